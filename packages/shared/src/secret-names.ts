/**
 * Which names stand for secrets (guarantee G6): keys of JSON, parameters of URLs, names before a colon.
 *
 * A name is looked at word by word, so that `accessKey`, `access_key` and `ACCESS-KEY` are one and `keyframe` is
 * another. What is hidden in vain costs a look at the database; what is shown cannot be taken back. So each rule hides
 * what it does not know, and the harmless words are those that are listed.
 */

/** Anywhere in the name, whatever the words around it are. */
const SECRET_PART =
  /secret|token|passw|passphrase|passcode|credential|signature|cookie|streamparam|auth(?!or(?!i[sz])|entic(?!at))/u;

/** The end of a word: `psign` and `sign2`, `apikey` and `keys`. */
const SECRET_WORD = /(?:sign|keys?)\d*$|^(?:sig|pwd|jwt|hmac|key(?:id|pair|data|value|hex|pem))$/u;

const HARMLESS_WORD =
  /^(?:(?:re)?(?:de|as)sign|resign|consign|ensign|monkeys?|donkeys?|turkeys?|hockey|jockeys?|whiskey|hotkeys?)\d*$/u;

/** What every secret name has somewhere; most names end here, at a third of the cost. */
const MAY_BE_SECRET = /s[ei]|token|pass|pwd|jwt|hmac|credential|cookie|param|auth|key/u;

/** What a key is no secret of when this word follows it: `key_frame`, `keyIndex`. */
const AFTER_HARMLESS_KEY = /^(?:frames?|index|interval|count|code|board|words?|notes?|points?)$/u;

/** Whether the value that stands under this name is a secret. Time is linear in the length of the name. */
export function isSecretName(name: string): boolean {
  // Compatibility forms, as `ſign` is one, look like the letters and fold to them.
  const plain = name.normalize("NFKC");
  const folded = plain.replace(/[^\p{L}\p{N}]+/gu, "").toLowerCase();
  if (!MAY_BE_SECRET.test(folded)) return false;
  if (SECRET_PART.test(folded)) return true;
  const separated = plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const words = separated.flatMap(wordsOfCamelCase);
  if (words.some((word, at) => isSecretWord(word, words[at + 1]))) return true;
  // `sIgN` falls apart above.
  return separated.some((word, at) => isSecretWord(word.toLowerCase(), separated[at + 1]));
}

function wordsOfCamelCase(text: string): string[] {
  return text
    .replace(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu, " ")
    .toLowerCase()
    .split(" ");
}

function isSecretWord(word: string, next = ""): boolean {
  if (!SECRET_WORD.test(word) || HARMLESS_WORD.test(word)) return false;
  return !(word === "key" && AFTER_HARMLESS_KEY.test(next.toLowerCase()));
}
