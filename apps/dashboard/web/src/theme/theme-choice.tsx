import { Monitor, Moon, Sun } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { THEMES, chooseTheme, useTheme } from "./theme.ts";
import type { Theme } from "./theme.ts";

const CHOICES: Readonly<Record<Theme, { icon: LucideIcon; label: string }>> = {
  system: { icon: Monitor, label: "Colours of the system" },
  light: { icon: Sun, label: "Light" },
  dark: { icon: Moon, label: "Dark" },
};

/** One button that goes through the choices: it takes little room and says where it stands. */
export function ThemeChoice(): ReactNode {
  const theme = useTheme();
  const { icon: Icon, label } = CHOICES[theme];
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const words = `Theme: ${label}. Change to: ${CHOICES[next].label}`;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={words}
      title={words}
      onClick={() => chooseTheme(next)}
    >
      <Icon size={18} aria-hidden="true" />
    </button>
  );
}
