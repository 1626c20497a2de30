import type { QueueName } from "./jobs.ts";
import { QUEUE_PREFIX } from "./jobs.ts";

/**
 * Each queue may be split into shards: queues of BullMQ of their own, so that a Redis Cluster spreads them over its
 * masters. All keys of one shard are in one slot, which the tag in braces in its name decides.
 *
 * A job belongs to the shard that its id names. So the same id is the same job only as long as nobody changes the number
 * of shards: it is fixed up front, and every app must be told the same ({@link QUEUE_LAYOUT_KEY}).
 */
export interface QueueShard {
  queue: QueueName;
  index: number;
  /** Of the queue in BullMQ: unique, also among different numbers of shards. */
  name: string;
}

export const MAX_QUEUE_SHARDS = 64;
/** Divided evenly by 1, 2, 3, 4, 6 and 12 masters. */
export const DEFAULT_CLUSTER_SHARDS = 12;

/** Holds the number of shards that the queues of this Redis were made with. */
export const QUEUE_LAYOUT_KEY: string = `${QUEUE_PREFIX}:queue-layout`;

const SLOTS = 16_384;

/** The shards of a queue. A queue that is not split keeps its plain name. */
export function shardsOf(queue: QueueName, count: number): QueueShard[] {
  if (count === 1) return [{ queue, index: 0, name: queue }];
  return Array.from({ length: count }, (_value, index) => ({
    queue,
    index,
    name: `${queue}-${index}{${tagOf(index, count)}}`,
  }));
}

/** Which shard a job belongs to: the same in every app, for ever. */
export function shardIndexOf(jobId: string, count: number): number {
  return count === 1 ? 0 : Math.floor((keySlot(jobId) * count) / SLOTS);
}

/** A key beside those of a shard's queue, in its slot. */
export function besideShard({ name }: QueueShard, key: string): string {
  return name.includes("{") ? `${QUEUE_PREFIX}:${key}:${name}` : `${QUEUE_PREFIX}:${key}`;
}

/**
 * A tag whose slot is in the middle half of the shard's even share of all slots: masters that hold equal ranges then
 * hold equally many shards, give or take one, also when the ranges are not quite equal.
 */
function tagOf(index: number, count: number): string {
  const share = SLOTS / count;
  for (let attempt = 0; ; attempt++) {
    const tag = `${count}.${attempt.toString(36)}`;
    const offset = keySlot(tag) - share * index;
    if (offset >= share / 4 && offset < (share * 3) / 4) return tag;
  }
}

/** The slot of a key, as Redis Cluster computes it: CRC16 of what is between its first braces, or of all of it. */
export function keySlot(key: string): number {
  const open = key.indexOf("{");
  const close = open === -1 ? -1 : key.indexOf("}", open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of new TextEncoder().encode(hashed)) {
    crc = ((crc << 8) & 0xff_ff) ^ (CRC16_TABLE[(crc >> 8) ^ byte] as number);
  }
  return crc % SLOTS;
}

/** CRC16/XMODEM: polynomial 0x1021. */
const CRC16_TABLE: Uint16Array = Uint16Array.from({ length: 256 }, (_value, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1;
  return crc & 0xff_ff;
});
