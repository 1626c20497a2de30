import { redactUrl } from "@reelgate/shared/redact";

const MAX_DESCRIPTION_CHARS = 200;

/**
 * A URL for messages and findings: scheme, host and path, at most 200 characters. User, password, query and fragment
 * are left out, since a signed URL carries its secret there; so are secret parameters that stand in the path.
 */
export function describeUrl(url: URL): string {
  const text = redactUrl(`${url.protocol}//${url.host}${url.pathname}`);
  return text.length <= MAX_DESCRIPTION_CHARS ? text : `${text.slice(0, MAX_DESCRIPTION_CHARS)}…`;
}
