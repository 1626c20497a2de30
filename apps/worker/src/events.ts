import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { FINDING_KINDS, FINDING_SEVERITIES } from "@reelgate/shared/contract/media";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import { ERRORS } from "@reelgate/shared/errors";
import type { Logger } from "@reelgate/shared/logger";
import { eventTypeLabel } from "./event-types.ts";
import { lagMetrics } from "./lag-metrics.ts";
import type { WorkerEvents } from "./ports.ts";

/**
 * Every event of the worker as one log line and its metrics. Labels are closed sets; ids stand in logs alone, and
 * neither bodies nor URLs stand anywhere (guarantee G6).
 */
export function workerEvents(logger: Logger, registry: Registry): WorkerEvents {
  const registers = [registry];
  const settled = new Counter({
    name: "reelgate_callbacks_settled_total",
    help: "Callbacks that got their outcome; repeated runs of one callback are counted apart.",
    labelNames: ["outcome", "repeated"],
    registers,
  });
  const eventTypes = new Counter({
    name: "reelgate_callbacks_by_event_type_total",
    help: "Callbacks that got their outcome, by event type: one that the provider documents, other, or none.",
    labelNames: ["event_type"],
    registers,
  });
  const replayed = new Counter({
    name: "reelgate_callbacks_replayed_total",
    help: "Settled callbacks that an operator had judged again, by what came of it.",
    labelNames: ["result"],
    registers,
  });
  const lags = lagMetrics(registry);
  const unknownFields = new Counter({
    name: "reelgate_callback_unknown_fields_total",
    help: "Fields of recording events that the specification does not know; a rise means that the provider changed.",
    registers,
  });
  const unstorable = new Counter({
    name: "reelgate_callbacks_unstorable_total",
    help: "Callbacks that Postgres refused as a row and that were settled as invalid.",
    registers,
  });
  const away = new Counter({
    name: "reelgate_catalogue_away_total",
    help: "Attempts that found Postgres away.",
    registers,
  });
  const verified = new Counter({
    name: "reelgate_media_verified_total",
    help: "Recordings whose file was verified, by whether it is what was declared, and whether a copy was stored.",
    labelNames: ["sound", "stored"],
    registers,
  });
  const storedBytes = new Counter({
    name: "reelgate_media_stored_bytes_total",
    help: "Bytes of the copies that were stored.",
    registers,
  });
  const findings = new Counter({
    name: "reelgate_media_findings_total",
    help: "Verified differences between declared and real.",
    labelNames: ["kind", "severity"],
    registers,
  });
  const failures = new Counter({
    name: "reelgate_media_attempts_failed_total",
    help: "Failed looks at a file, by code and by whether another follows.",
    labelNames: ["code", "final"],
    registers,
  });
  const sweptPending = new Gauge({
    name: "reelgate_recordings_pending_swept",
    help: "Recordings older than a minute that the last sweep found pending.",
    registers,
  });
  // A counter that comes to be with its first event hides that event from every rate.
  for (const outcome of OUTCOMES) settled.inc({ outcome, repeated: "false" }, 0);
  const codes = Object.keys(ERRORS).filter((code) => /^(?:media|storage)_|^internal$/u.test(code));
  for (const code of codes) {
    failures.inc({ code, final: "false" }, 0);
    failures.inc({ code, final: "true" }, 0);
  }
  for (const kind of FINDING_KINDS) findings.inc({ kind, severity: FINDING_SEVERITIES[kind] }, 0);
  let awayLoggedAtMs = 0;

  return {
    callbackSettled(settlement, event) {
      const { callbackId } = event;
      unknownFields.inc(event.unknownFields);
      eventTypes.inc({ event_type: eventTypeLabel(event.eventType) });
      settled.inc({ outcome: settlement.outcome, repeated: String(settlement.repeated) });
      lags.settled(settlement, event);
      const level =
        settlement.outcome === "conflict" || settlement.outcome === "invalid" ? "warn" : "debug";
      const { outcome, recordingId, repeated } = settlement;
      logger[level]({ callbackId, outcome, recordingId, repeated }, "callback settled");
    },
    callbackReplayed(callbackId, end) {
      replayed.inc({ result: end.kind });
      if (end.kind === "refused") {
        logger.error(
          { callbackId, err: end.error },
          "callback cannot be replayed; its outcome stands",
        );
        return;
      }
      const { kind: result, ...rest } = end;
      logger[result === "changed" ? "info" : "debug"](
        { callbackId, result, ...rest },
        "callback replayed",
      );
    },
    callbackUnstorable(callbackId, error) {
      unstorable.inc();
      logger.error(
        { callbackId, err: error },
        "callback cannot be stored as it is; settled as invalid",
      );
    },
    catalogueAway(error) {
      away.inc();
      // Every job in hand reports the same outage.
      if (Date.now() - awayLoggedAtMs < 5000) return;
      awayLoggedAtMs = Date.now();
      logger.error({ err: error }, "Postgres is away; callbacks wait in the queue");
    },
    mediaVerified(job, report, stored, times) {
      verified.inc({
        sound: String(report.findings.length === 0),
        stored: String(stored !== null),
      });
      storedBytes.inc(stored?.sizeBytes ?? 0);
      for (const { kind } of report.findings) {
        findings.inc({ kind, severity: FINDING_SEVERITIES[kind] });
      }
      lags.verified(job, times);
      const isAsDeclared = report.findings.every(
        ({ kind }) => FINDING_SEVERITIES[kind] === "unchecked",
      );
      logger[isAsDeclared ? "info" : "warn"](
        {
          ...job,
          container: report.media.container,
          findings: report.findings.map(({ kind }) => kind),
          ...(stored === null
            ? {}
            : { storedBytes: stored.sizeBytes, storedFiles: stored.files, sha256: stored.sha256 }),
        },
        stored === null ? "recording indexed" : "recording stored",
      );
    },
    mediaAttemptFailed(job, failure, error) {
      failures.inc({ code: failure.code, final: String(failure.final) });
      // Of a broken recording there is a report too; one that is tried again is counted when it is given up.
      for (const { kind } of failure.final ? (failure.report?.findings ?? []) : []) {
        findings.inc({ kind, severity: FINDING_SEVERITIES[kind] });
      }
      logger[failure.final ? "error" : "warn"](
        {
          ...job,
          code: failure.code,
          message: failure.message,
          attempts: failure.attempts,
          final: failure.final,
          ...(failure.code === "internal" ? { err: error } : {}),
        },
        "recording could not be verified",
      );
    },
    mediaObsolete(job) {
      logger.debug(job, "media job is no longer wanted");
    },
    pendingSwept(count) {
      sweptPending.set(count);
    },
  };
}
