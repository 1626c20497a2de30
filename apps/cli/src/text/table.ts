import { printable } from "./printable.ts";

/** A column of a table: its title, its cell, and how it gives way on a narrow terminal. */
export interface Column<T> {
  title: string;
  cell: (row: T) => string;
  /** Numbers stand at the right. */
  right?: boolean;
  /** Fewest characters that it is cut to; without it, it is never cut. */
  min?: number;
}

const GAP = "  ";

/** Prints rows under each other, page by page. Widths are those of the first page, and grow with later ones. */
export interface Table<T> {
  /** Lines of these rows, the first time with the titles. */
  lines(rows: readonly T[]): string;
}

/** @param width of the terminal; null when there is none, and nothing is cut. */
export function createTable<T>(columns: readonly Column<T>[], width: number | null): Table<T> {
  let widths: number[] | null = null;
  return {
    lines(rows) {
      const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
      const isFirst = widths === null;
      const natural = columns.map((column, index) =>
        Math.max(
          isFirst ? column.title.length : (widths?.[index] ?? 0),
          ...cells.map((line) => lengthOf(line[index] ?? "")),
        ),
      );
      widths = fitted(columns, natural, width);
      const fit = widths;
      const titles = isFirst ? [columns.map(({ title }) => title)] : [];
      return [...titles, ...cells]
        .map((line) =>
          line
            .map((cell, index) =>
              padded(cut(cell, fit[index] ?? 0), fit[index] ?? 0, columns[index]),
            )
            .join(GAP)
            .trimEnd(),
        )
        .map((line) => `${line}\n`)
        .join("");
    },
  };
}

/** Takes from the widest column that may be cut until all fit, or none can give more. */
function fitted<T>(
  columns: readonly Column<T>[],
  natural: readonly number[],
  width: number | null,
): number[] {
  const widths = [...natural];
  if (width === null) return widths;
  const total = (): number =>
    widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const canGive = column.min !== undefined && (widths[index] ?? 0) > column.min;
      if (canGive && (widest === -1 || (widths[index] ?? 0) > (widths[widest] ?? 0)))
        widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** What takes two columns of a terminal. */
const WIDE =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{Emoji_Presentation}\uff01-\uff60]/u;

const charactersOf = (text: string): string[] =>
  Array.from(graphemes.segment(text), ({ segment }) => segment);
const widthOf = (character: string): number => (WIDE.test(character) ? 2 : 1);
const lengthOf = (text: string): number =>
  charactersOf(text).reduce((sum, character) => sum + widthOf(character), 0);

function cut(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const character of charactersOf(text)) {
    left -= widthOf(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

function padded<T>(text: string, width: number, column: Column<T> | undefined): string {
  const room = " ".repeat(Math.max(width - lengthOf(text), 0));
  return column?.right === true ? room + text : text + room;
}
