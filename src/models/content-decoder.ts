import type { Transform } from 'node:stream'

/**
 * Takes off what an answer is packed in (RFC 9110 §8.4.1). We ask for nothing of that, so it is rare, and anything else
 * than one of these is read as it is. Decoders work in threads of their own.
 */
export function contentDecoder(encoding: string): Transform | undefined {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return undefined
  // Loaded only here, since nothing else needs it.
  const zlib = process.getBuiltinModule('node:zlib')
  // An answer that is not complete says so itself: by its missing finish reason.
  const lenient = { finishFlush: zlib.constants.Z_SYNC_FLUSH }
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip(lenient)
    case 'deflate':
      return zlib.createInflate(lenient)
    case 'br':
      return zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return zlib.createZstdDecompress({ finishFlush: zlib.constants.ZSTD_e_flush })
    default:
      return undefined
  }
}
