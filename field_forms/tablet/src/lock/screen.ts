/**
 * The tablet's own lock screen as the key: WebAuthn with the PRF extension. The secret never leaves the tablet's secure
 * part, so a copy of the browser's folder opens nothing, however many guesses are made.
 */
import { type Bytes, randomBytes } from "../seal/bytes";

interface PrfAnswer {
  prf?: { enabled?: boolean; results?: { first?: BufferSource } };
}

/** What a new credential needs to be asked again. */
export interface ScreenCredential {
  credential: Bytes;
  salt: Bytes;
  secret: Bytes;
}

/** Whether it is worth offering: a lock screen is set up, and the browser knows PRF. */
export async function screenLockThere(): Promise<boolean> {
  if (!("PublicKeyCredential" in window)) return false;
  const known = PublicKeyCredential as typeof PublicKeyCredential & {
    getClientCapabilities?: () => Promise<Record<string, boolean>>;
  };
  try {
    const capable = (await known.getClientCapabilities?.()) ?? {};
    if (capable["extension:prf"] !== true) return false;
    return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
  } catch {
    return false;
  }
}

/** Make a credential and its first secret. Throws where the officer says no or the tablet gives no PRF. */
export async function newScreenCredential(name: string): Promise<ScreenCredential> {
  const salt = randomBytes(32);
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: randomBytes(32),
      rp: { name: "Padan", id: location.hostname },
      user: { id: randomBytes(16), name, displayName: name },
      pubKeyCredParams: [
        { type: "public-key", alg: -7 },
        { type: "public-key", alg: -257 },
      ],
      authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required" },
      extensions: { prf: { eval: { first: salt } } } as AuthenticationExtensionsClientInputs,
    },
  })) as PublicKeyCredential | null;
  if (!made) throw new Error("no credential");
  const credential = new Uint8Array(made.rawId);
  const answer = made.getClientExtensionResults() as PrfAnswer;
  if (!answer.prf?.enabled && !answer.prf?.results) throw new Error("no PRF");
  const first = answer.prf.results?.first;
  const secret = first ? bytesOf(first) : await screenSecret(credential, salt);
  return { credential, salt, secret };
}

/** The secret of a credential; the tablet asks for finger, face or screen PIN. Throws where it is refused. */
export async function screenSecret(credential: Bytes, salt: Bytes): Promise<Bytes> {
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: randomBytes(32),
      rpId: location.hostname,
      allowCredentials: [{ type: "public-key", id: credential, transports: ["internal"] }],
      userVerification: "required",
      extensions: { prf: { eval: { first: salt } } } as AuthenticationExtensionsClientInputs,
    },
  })) as PublicKeyCredential | null;
  const answer = found?.getClientExtensionResults() as PrfAnswer | undefined;
  const first = answer?.prf?.results?.first;
  if (!first) throw new Error("no PRF");
  return bytesOf(first);
}

function bytesOf(source: BufferSource): Bytes {
  return source instanceof ArrayBuffer
    ? new Uint8Array(source)
    : (new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice() as Bytes);
}
