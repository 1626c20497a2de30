import { useEffect } from "react";
import { navigate } from "./routing/router.ts";

/** The field that `/` leads to. */
export const SEARCH_FIELD = "search";

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT|VIDEO)$/u.test(target.tagName))
  );
}

/** `/` goes to the page's search field, or to that of the recordings. */
export function useSearchKey(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
      event.preventDefault();
      const field = document.getElementById(SEARCH_FIELD);
      // At once: a reader who types on while the page is busy loses no letter.
      if (field !== null) return field.focus();
      navigate("/recordings");
      // The page that was gone to is drawn before the next frame.
      requestAnimationFrame(() => document.getElementById(SEARCH_FIELD)?.focus());
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
