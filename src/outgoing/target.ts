import { OutgoingRequestInvalid } from '../errors.ts'
import { OutgoingError } from './outgoing-error.ts'

/** Fetch standard §2.9: ports at which other protocols listen, some of which do as they are told by the lines of a request. */
const otherProtocols = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
  119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
  989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

/**
 * What is wrong with the form of a URL that a workflow wants to reach; undefined where nothing is. To whom it leads is
 * decided when it is connected to.
 */
export function faultOfUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'it must be an absolute URL, such as https://api.example.com/v1'
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `it must begin with https:// or http://, not with ${url.protocol}`
  if (url.hostname === '') return 'it names no host'
  if (url.username !== '' || url.password !== '') return 'it must not have a user name or password in it; send them in a header'
  if (url.port !== '' && otherProtocols.has(Number(url.port))) return `port ${url.port} belongs to another protocol than HTTP`
  return undefined
}

/** @throws OutgoingError that says what is wrong, without the URL: whatever is in it may be secret */
export function readTarget(text: string): URL {
  const fault = faultOfUrl(text)
  if (fault !== undefined)
    throw new OutgoingError(new OutgoingRequestInvalid({ reason: `The URL cannot be called: ${fault}.` }), { retryable: false })
  const url = new URL(text)
  url.hash = ''
  return url
}
