/**
 * Leaves an address with user and password in it (`http://admin:…@host/`) for the same one without: `fetch` refuses every
 * relative address below such a one (https://fetch.spec.whatwg.org/#dom-request). The browser knows the password by then.
 *
 * @returns true when the document is about to be replaced.
 */
export function leaveCredentials(): boolean {
  const { username, password } = new URL(document.baseURI);
  if (username === "" && password === "") return false;
  const { origin, pathname, search, hash } = window.location;
  window.location.replace(`${origin}${pathname}${search}${hash}`);
  return true;
}
