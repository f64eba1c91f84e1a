import type { IncomingMessage } from 'node:http'
import { BodyFragmented, BodyTooLarge, MalformedRequest, RequestTimeout, type StudioError } from '../errors.ts'

/** Pieces that are smaller are gathered: a million of them would take a hundred times what they hold. */
const LARGE_PIECE = 16_384
/** … in as much room as the body takes already, within these bounds. */
const LEAST_ROOM = 1_024
const MOST_ROOM = 65_536

/** A piece costs as much to read as a hundred bytes. So many are fine, and then one for so many bytes. */
const FREE_PIECES = 2_000
const BYTES_A_PIECE = 64

/** @param body good until it returns */
type Done = (error: StudioError | null, body: Buffer) => void

const nothing = Buffer.alloc(0)

/**
 * Reads bodies whole, and bounds what those take together that are only half here: whoever sends slowly takes memory for as
 * long as they like, so when it is too much, those give way that began first.
 */
export class HalfSentBodies {
  readonly #most: number
  readonly #bodies = new Set<HalfSentBody>()
  #bytes = 0

  /** @param most bytes that they may take together */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * Errors: BodyTooLarge, BodyFragmented, RequestTimeout for one that had to give way, MalformedRequest for one that broke off.
   * @param limit in bytes
   * @param done called once
   */
  read(message: IncomingMessage, limit: number, done: Done): void {
    if (Number(message.headers['content-length']) > limit) return done(new BodyTooLarge({ limit }), nothing)
    new HalfSentBody(message, limit, this, done).read()
  }

  /** Told when a body takes more than one piece, and of each further one. */
  hold(body: HalfSentBody, bytes: number): void {
    this.#bodies.add(body)
    this.#bytes += bytes
    for (const oldest of this.#bodies) {
      if (this.#bytes <= this.#most) return
      oldest.giveWay()
    }
  }

  letGo(body: HalfSentBody, bytes: number): void {
    if (this.#bodies.delete(body)) this.#bytes -= bytes
  }
}

class HalfSentBody {
  readonly #message: IncomingMessage
  readonly #limit: number
  readonly #others: HalfSentBodies
  readonly #done: Done
  #pieces: Buffer[] = []
  /** The last of the pieces, when it is one of ours and has room left. */
  #gathering: Buffer | undefined
  #gathered = 0
  #count = 0
  #length = 0
  /** What it takes, of which others were told. */
  #held = 0
  #isDone = false

  constructor(message: IncomingMessage, limit: number, others: HalfSentBodies, done: Done) {
    this.#message = message
    this.#limit = limit
    this.#others = others
    this.#done = done
  }

  read(): void {
    this.#message.on('data', this.#take).on('end', this.#end).on('error', this.#breakOff)
  }

  giveWay(): void {
    this.#finish(new RequestTimeout({}))
  }

  readonly #take = (piece: Buffer): void => {
    this.#length += piece.length
    this.#count++
    if (this.#length > this.#limit) this.#finish(new BodyTooLarge({ limit: this.#limit }))
    else if (this.#count > FREE_PIECES + this.#length / BYTES_A_PIECE) this.#finish(new BodyFragmented({}))
    else this.#keep(piece)
  }

  readonly #end = (): void => this.#finish(null)

  readonly #breakOff = (): void => this.#finish(new MalformedRequest({ reason: 'The request was broken off.' }))

  #keep(piece: Buffer): void {
    // Nearly every body is a single piece, and whole in a moment.
    if (this.#count === 1) this.#pieces.push(piece)
    else if (piece.length >= LARGE_PIECE) this.#add(piece)
    else this.#gather(piece)
  }

  #add(piece: Buffer): void {
    this.#closeGathering()
    this.#pieces.push(piece)
    this.#hold(piece.length)
  }

  #gather(piece: Buffer): void {
    if (this.#gathering && this.#gathered + piece.length > this.#gathering.length) this.#closeGathering()
    if (!this.#gathering) {
      const room = Math.max(piece.length, Math.min(Math.max(this.#length, LEAST_ROOM), MOST_ROOM))
      this.#gathering = Buffer.allocUnsafeSlow(room)
      this.#gathered = 0
      this.#hold(room)
    }
    // Others may have had to give way for it, and so may this one.
    if (this.#gathering) this.#gathered += piece.copy(this.#gathering, this.#gathered)
  }

  #closeGathering(): void {
    if (this.#gathering) this.#pieces.push(this.#gathering.subarray(0, this.#gathered))
    this.#gathering = undefined
  }

  #hold(bytes: number): void {
    this.#held += bytes
    this.#others.hold(this, bytes)
  }

  #finish(error: StudioError | null): void {
    if (this.#isDone) return
    this.#isDone = true
    // Of one that has ended nothing more comes.
    if (error) this.#message.off('data', this.#take).off('end', this.#end)
    this.#others.letGo(this, this.#held)
    this.#closeGathering()
    const pieces = this.#pieces
    this.#pieces = []
    if (error) this.#done(error, nothing)
    else this.#done(null, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.#length))
  }
}
