import type { Scene } from "./scene.ts";
import { TIMELINE_STREAM } from "./scene.ts";

export interface ShownPage {
  name: string;
  path: string;
  /** What is there when the page has its data. */
  ready: string;
}

/** Every page with something on it, for what holds of all. */
export function shownPages(scene: Scene): ShownPage[] {
  return [
    { name: "overview", path: "/", ready: ".chart" },
    { name: "recordings", path: "/recordings", ready: ".recordings" },
    {
      name: "recordings-filtered",
      path: "/recordings?state=failed&format=mp4",
      ready: ".recordings",
    },
    { name: "recordings-none", path: "/recordings?q=nothing-is-called-so", ready: ".empty" },
    { name: "recording", path: `/recordings/${scene.mp4}`, ready: ".compare" },
    { name: "recording-broken", path: `/recordings/${scene.broken}`, ready: ".findings" },
    { name: "recording-conflict", path: `/recordings/${scene.conflict}`, ready: ".callbacks" },
    { name: "streams", path: "/streams", ready: ".stream-card" },
    { name: "stream", path: `/streams/${TIMELINE_STREAM}`, ready: ".segment" },
    { name: "callbacks", path: "/callbacks", ready: ".callbacks" },
    { name: "callbacks-invalid", path: "/callbacks?outcome=invalid", ready: ".callbacks" },
    { name: "not-found", path: "/no/such/page", ready: ".empty" },
  ];
}
