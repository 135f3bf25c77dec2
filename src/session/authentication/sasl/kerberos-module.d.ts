// The package is optional, and need not be there to compile this one; what is used of it is in kerberos.ts.
declare module 'kerberos' {
  const kerberos: unknown
  export default kerberos
}
