/** Why an exchange of SASL failed; says nothing that is secret. */
export class SaslError extends Error {
  override readonly name = 'SaslError'
}
