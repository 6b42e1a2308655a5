/** What a request names by its host and its path. Neither proves anything: both go through `access`. */
import { UnsupportedTenantOperationError } from '../errors.js';

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const host = /^([a-z0-9.-]{1,253})(?::\d{1,5})?$/i;

/**
 * The one label before a domain.
 *
 * @param given the host as the request names it, with or without a port
 * @param domain the application's own
 * @returns `acme` of `acme.example.com:8080`; undefined for the domain itself, a deeper one, another, and what is no
 * host
 * @throws UnsupportedTenantOperationError when `domain` is no domain
 * @example
 * const slug = subdomainOf('acme.example.com', 'example.com');
 */
export function subdomainOf(given: unknown, domain: string): string | undefined {
  if (typeof domain !== 'string' || domain === '' || !domain.split('.').every((it) => label.test(it.toLowerCase()))) {
    throw new UnsupportedTenantOperationError(
      'Give the domain alone, as in subdomain("example.com"): no port, no scheme, no dot before it.',
    );
  }
  const name = typeof given === 'string' ? host.exec(given)?.[1]?.toLowerCase() : undefined;
  const suffix = `.${domain.toLowerCase()}`;
  if (!name?.endsWith(suffix)) return undefined;
  const found = name.slice(0, -suffix.length);
  return label.test(found) ? found : undefined;
}

/**
 * One segment of a path, decoded.
 *
 * @param path the path of the URL, with or without its query
 * @param position 0 for the first
 * @returns `acme` of `/accounts/acme/projects` at 1; undefined where there is none, or where it hides a slash, a dot
 * segment or bytes
 *   that are no text
 * @throws UnsupportedTenantOperationError when `position` is none
 * @example
 * const slug = pathSegmentOf('/accounts/acme/projects', 1);
 */
export function pathSegmentOf(path: unknown, position: number): string | undefined {
  if (!Number.isInteger(position) || position < 0)
    throw new UnsupportedTenantOperationError('Count the segments of a path from 0, as in pathSegment(1).');
  // A request line may also hold a whole URL, or `*`.
  if (typeof path !== 'string' || !path.startsWith('/')) return undefined;
  const segment = path.split(/[?#]/, 1)[0]!.split('/')[position + 1];
  if (segment === undefined) return undefined;
  try {
    const decoded = decodeURIComponent(segment);
    return decoded === '' || decoded === '.' || decoded === '..' || /[/\\\0]/.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
