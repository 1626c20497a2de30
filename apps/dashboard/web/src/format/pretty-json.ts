const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gu;

/**
 * JSON text on indented lines; null for what is no JSON.
 *
 * The tokens are kept as they were sent and only the space between them is made anew: reading and writing the value
 * would change numbers beyond 2^53, which the provider's file ids are, and drop repeated names.
 */
export function prettyJson(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  let out = "";
  const newLine = (): string => `\n${"  ".repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      const closing = token === "{" ? "}" : "]";
      out += token;
      if (next === closing) continue;
      depth += 1;
      out += newLine();
    } else if (token === "}" || token === "]") {
      const previous = tokens[index - 1];
      if (previous !== "{" && previous !== "[") {
        depth -= 1;
        out += newLine();
      }
      out += token;
    } else if (token === ",") {
      out += `,${newLine()}`;
    } else {
      out += token === ":" ? ": " : token;
    }
  }
  return out;
}
