/** Keeps the last few lines that a program printed, to say why it ended. */
export interface RecentLines {
  add(line: string): void;
  all(): readonly string[];
}

export function recentLines(limit: number): RecentLines {
  const lines: string[] = [];
  return {
    add(line) {
      lines.push(line);
      if (lines.length > limit) lines.shift();
    },
    all: () => lines,
  };
}
