import type { Transform } from 'node:stream'

/** RFC 9659 §3: a server may not ask for more than 8 MB, and a decoder that believes it would take 128. */
const ZSTD_WINDOW_LOG = 23

/**
 * Takes off what an answer is packed in (RFC 9110 §8.4.1). Decoders work in threads of their own.
 * @param options.lenient whether one that ends too early is taken for whole
 * @returns undefined where there is nothing to take off, and for packings that are not known here
 */
export function contentDecoder(encoding: string, options: { lenient: boolean }): Transform | undefined {
  const name = encoding.trim().toLowerCase()
  if (isPlain(name)) return undefined
  // Loaded only here, since nothing else needs it.
  const zlib = process.getBuiltinModule('node:zlib')
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush, ZSTD_d_windowLogMax } = zlib.constants
  const flushed = (finishFlush: number) => (options.lenient ? { finishFlush } : {})
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip(flushed(Z_SYNC_FLUSH))
    case 'deflate':
      return zlib.createInflate(flushed(Z_SYNC_FLUSH))
    case 'br':
      return zlib.createBrotliDecompress(flushed(BROTLI_OPERATION_FLUSH))
    case 'zstd':
      return zlib.createZstdDecompress({ ...flushed(ZSTD_e_flush), params: { [ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })
    default:
      return undefined
  }
}

export function isPlain(encoding: string): boolean {
  return /^\s*(identity)?\s*$/i.test(encoding)
}

export function canUnpack(encoding: string): boolean {
  return isPlain(encoding) || /^\s*(gzip|x-gzip|deflate|br|zstd)\s*$/i.test(encoding)
}
