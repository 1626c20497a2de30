import { useSyncExternalStore } from "react";

/** Which colours the pages have: those of the system, or what the reader chose. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "reelgate-theme";
const listeners = new Set<() => void>();

function stored(): Theme {
  try {
    const value = window.localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === value) ?? "system";
  } catch {
    // Storage can be forbidden: then the choice holds until the page is left.
    return "system";
  }
}

let theme: Theme = "system";

function apply(): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

/** Before anything is drawn; and whenever another tab has chosen. */
export function startTheme(): void {
  theme = stored();
  apply();
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    theme = stored();
    apply();
    for (const listener of listeners) listener();
  });
}

export function chooseTheme(next: Theme): void {
  theme = next;
  apply();
  try {
    window.localStorage.setItem(KEY, next);
  } catch {
    // See above.
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}
