/** A server says more than is taken of one answer. Asked again it would say as much. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}
