/**
 * The page's side of the worker's network. Only pages have `RTCPeerConnection`, but a data channel can be transferred
 * to a worker. This broker creates connections and channels on the worker's commands, transfers each channel in the
 * task that created it, and reports the state of the connections. It handles no bytes of a peer.
 *
 * ```text
 *  worker -> page                                                page -> worker
 *  { type: 'open', request, connection }                         channel (negotiated id 0), then result with `offer`
 *  { type: 'negotiate', request, connection, offer, answer }     result
 *  { type: 'channel', request, connection }                      channel, then result
 *  { type: 'close', connection }                                 nothing
 *
 *  page -> worker, unrequested
 *  { type: 'state', connection, state, cause? }  `connectionState` changed; `cause` of `failed`, if it is known
 *  { type: 'broken', message }                   an invalid command: page and worker are of different builds
 * ```
 *
 * Bounds: at most {@link CONNECTIONS_MAX} connections. A peer can open channels; each is closed at once, unread, and
 * after {@link CHANNELS_FROM_PEER_MAX} of them its connection is closed too.
 *
 * The worker's side is the crate `webrtc-worker`.
 *
 * @module
 */

/** Most connections of one broker, open or being opened. */
export const CONNECTIONS_MAX = 64;

/**
 * Most connections of this page that the browser has not freed yet, including closed ones. Chromium refuses the 501st
 * and frees a closed one only at garbage collection; the remaining ones are left to the page.
 */
export const CONNECTIONS_UNCOLLECTED_MAX = 400;

/**
 * From this number on, the broker provokes garbage collection now and then. A page that only waits for an absent peer
 * creates no garbage, and after an hour of dials it could not dial any more.
 */
export const COLLECT_FROM = 200;

/** New connections between two provoked collections. */
const COLLECT_EVERY = 50;

/** Longest time that a new connection waits for the browser to free others, in milliseconds. */
const COLLECT_WAIT_MS = 2_000;

/**
 * Bytes allocated and dropped to provoke a collection. They are never touched, so this costs milliseconds and no pages.
 */
const COLLECT_BUFFERS = 8;
const COLLECT_BUFFER_BYTES = 16 * 1024 * 1024;

/**
 * Most channels that a peer may open on one connection. Each is closed at once, because a browser serves nothing; a
 * libp2p peer opens a few by itself (identify, ping).
 */
export const CHANNELS_FROM_PEER_MAX = 64;

/** Most channels that the worker may open on one connection. It opens one, and one more after each failure. */
export const CHANNELS_TO_PEER_MAX = 16_384;

/** Longest session description, in characters. Ours have about a thousand. */
export const SDP_CHARS_MAX = 16 * 1024;

/** A certificate is replaced this long before it expires, in milliseconds. Browsers issue them for 30 days. */
const CERTIFICATE_LEFT_MIN_MS = 24 * 60 * 60 * 1_000;

/** A command of the worker. The worker numbers requests and connections. */
export type RtcCommand =
  | { type: 'open'; request: number; connection: number }
  | { type: 'negotiate'; request: number; connection: number; offer: string; answer: string }
  | { type: 'channel'; request: number; connection: number }
  | { type: 'close'; connection: number };

/** Reason of a failed command. */
export type RtcFailure =
  /** This browser cannot transfer a data channel. */
  | 'unsupported'
  /** A limit on connections or channels is reached. */
  | 'limit'
  /** WebRTC threw an error. */
  | 'rtc'
  /** The broker is closed. */
  | 'closed'
  /** The command does not fit the earlier ones. */
  | 'protocol';

/** Cause of a failed connection, if there was a response at all. */
export type RtcFailureCause =
  /** There was a response, and DTLS failed: the certificate is not the one in the address. */
  | 'dtls'
  /** The peer opened more than {@link CHANNELS_FROM_PEER_MAX} channels. */
  | 'channels';

/** Messages of the broker to the worker. */
export type RtcReport =
  | { type: 'result'; request: number; ok: true; offer?: string }
  | { type: 'result'; request: number; ok: false; code: RtcFailure; message: string }
  | { type: 'channel'; connection: number; request: number; channel: RTCDataChannel }
  | { type: 'state'; connection: number; state: RTCPeerConnectionState; cause?: RtcFailureCause }
  | { type: 'broken'; message: string };

/** A connection, from its first command on. */
interface Entry {
  /** Absent until the certificate is ready. */
  rtc?: RTCPeerConnection;
  channelsToPeer: number;
  channelsFromPeer: number;
}

class RtcError extends Error {
  constructor(
    readonly code: RtcFailure,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Creates and frees connections for the worker at the other end of `port`.
 *
 * @example
 * ```ts
 * const { port1, port2 } = new MessageChannel();
 * const broker = new RtcBroker(port1);
 * worker.postMessage({ rtcPort: port2 }, [port2]);
 * ```
 */
export class RtcBroker {
  readonly #port: MessagePort;
  readonly #connections = new Map<number, Entry>();
  #certificate: Promise<RTCCertificate> | undefined;
  #closed = false;

  /** Listens at once; earlier messages of the worker are not lost. */
  constructor(port: MessagePort) {
    this.#port = port;
    port.addEventListener('message', this.#onMessage);
    port.addEventListener('messageerror', this.#onMessageError);
    // Newer browsers fire `close` when the worker is gone.
    port.addEventListener('close', this.#onPortClose);
    port.start();
  }

  /** Connections that are open or being opened. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Closes every connection and the port. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.removeEventListener('message', this.#onMessage);
    this.#port.removeEventListener('messageerror', this.#onMessageError);
    this.#port.removeEventListener('close', this.#onPortClose);
    for (const id of [...this.#connections.keys()]) this.#free(id);
    this.#port.close();
  }

  readonly #onMessage = ({ data }: MessageEvent<unknown>): void => {
    const command = parseCommand(data);
    if (typeof command === 'string') this.#break(command);
    else if (command.type === 'close') this.#free(command.connection);
    else void this.#answer(command);
  };

  readonly #onMessageError = (): void => this.#break('a message of the worker cannot be read');

  readonly #onPortClose = (): void => this.close();

  #break(message: string): void {
    this.#post({ type: 'broken', message });
    this.close();
  }

  /** Executes a command and reports its result. */
  async #answer(command: Exclude<RtcCommand, { type: 'close' }>): Promise<void> {
    const { request } = command;
    try {
      const offer = await this.#execute(command);
      this.#post({ type: 'result', request, ok: true, ...(offer === undefined ? {} : { offer }) });
    } catch (error) {
      const code = error instanceof RtcError ? error.code : 'rtc';
      const message = error instanceof Error ? error.message : String(error);
      this.#post({ type: 'result', request, ok: false, code, message });
    }
  }

  async #execute(command: Exclude<RtcCommand, { type: 'close' }>): Promise<string | undefined> {
    switch (command.type) {
      case 'open':
        return await this.#open(command.connection, command.request);
      case 'negotiate': {
        const { rtc } = this.#find(command.connection);
        await rtc.setLocalDescription({ type: 'offer', sdp: command.offer });
        await rtc.setRemoteDescription({ type: 'answer', sdp: command.answer });
        return undefined;
      }
      case 'channel': {
        const { entry, rtc } = this.#find(command.connection);
        if (entry.channelsToPeer >= CHANNELS_TO_PEER_MAX) {
          throw new RtcError('limit', `${CHANNELS_TO_PEER_MAX} channels opened on one connection`);
        }
        entry.channelsToPeer += 1;
        this.#transfer(command.connection, rtc.createDataChannel(''), command.request);
        return undefined;
      }
    }
  }

  async #open(connection: number, request: number): Promise<string> {
    if (this.#connections.has(connection)) throw new RtcError('protocol', `connection ${connection} exists`);
    if (this.#connections.size >= CONNECTIONS_MAX) throw new RtcError('limit', `${CONNECTIONS_MAX} connections`);
    const entry: Entry = { channelsToPeer: 0, channelsFromPeer: 0 };
    this.#connections.set(connection, entry);
    try {
      const certificate = await this.#getCertificate();
      await roomForConnection();
      if (this.#connections.get(connection) !== entry) throw new RtcError('closed', 'closed before it was opened');
      const rtc = makeConnection(certificate);
      entry.rtc = rtc;
      rtc.onconnectionstatechange = () => this.#onState(connection, rtc.connectionState, causeOfFailure(rtc));
      rtc.ondatachannel = ({ channel }) => this.#onChannel(connection, entry, channel);
      // The channel of the handshake: both sides know its id in advance.
      this.#transfer(connection, rtc.createDataChannel('', { negotiated: true, id: 0 }), request);
      const offer = await rtc.createOffer();
      return offer.sdp ?? '';
    } catch (error) {
      if (this.#connections.get(connection) === entry) this.#free(connection);
      throw error;
    }
  }

  /** One certificate serves all connections. */
  async #getCertificate(): Promise<RTCCertificate> {
    this.#certificate ??= generateCertificate();
    try {
      const certificate = await this.#certificate;
      if (certificate.expires > Date.now() + CERTIFICATE_LEFT_MIN_MS) return certificate;
      this.#certificate = generateCertificate();
      return await this.#certificate;
    } catch (error) {
      this.#certificate = undefined;
      throw error;
    }
  }

  #find(connection: number): { entry: Entry; rtc: RTCPeerConnection } {
    const entry = this.#connections.get(connection);
    if (entry?.rtc === undefined) throw new RtcError('closed', `connection ${connection} is closed`);
    return { entry, rtc: entry.rtc };
  }

  #onState(connection: number, state: RTCPeerConnectionState, cause?: RtcFailureCause): void {
    this.#post({ type: 'state', connection, state, ...(state === 'failed' && cause !== undefined ? { cause } : {}) });
    if (state === 'failed' || state === 'closed') this.#free(connection);
  }

  /** The page serves no channels. A channel that is closed in the event that announces it buffers no message. */
  #onChannel(connection: number, entry: Entry, channel: RTCDataChannel): void {
    channel.close();
    entry.channelsFromPeer += 1;
    if (entry.channelsFromPeer > CHANNELS_FROM_PEER_MAX) this.#onState(connection, 'failed', 'channels');
  }

  /** Call this in the task that created the channel: later it cannot be transferred. */
  #transfer(connection: number, channel: RTCDataChannel, request: number): void {
    const report: RtcReport = { type: 'channel', connection, request, channel };
    try {
      // The DOM's types do not list data channels as transferable yet.
      this.#port.postMessage(report, [channel as unknown as Transferable]);
    } catch (error) {
      channel.close();
      throw new RtcError('unsupported', error instanceof Error ? error.message : String(error));
    }
  }

  #free(connection: number): void {
    const rtc = this.#connections.get(connection)?.rtc;
    this.#connections.delete(connection);
    if (rtc === undefined) return;
    rtc.onconnectionstatechange = null;
    rtc.ondatachannel = null;
    rtc.close();
  }

  #post(report: RtcReport): void {
    if (!this.#closed) this.#port.postMessage(report);
  }
}

/** Connections of this page, over all brokers, that the browser has not freed. */
const uncollected = { count: 0, collectAt: COLLECT_FROM, waiting: new Set<() => void>() };

/** Created with the first connection: a server that imports this module may lack the class. */
let registry: FinalizationRegistry<undefined> | undefined;

function onCollected(): void {
  uncollected.count -= 1;
  uncollected.collectAt = Math.max(COLLECT_FROM, Math.min(uncollected.collectAt, uncollected.count + COLLECT_EVERY));
  for (const wake of [...uncollected.waiting]) wake();
}

/** Provokes garbage collection of connections, and waits for it at the limit. */
async function roomForConnection(): Promise<void> {
  if (uncollected.count < uncollected.collectAt) return;
  uncollected.collectAt = uncollected.count + COLLECT_EVERY;
  provokeCollection();
  if (uncollected.count < CONNECTIONS_UNCOLLECTED_MAX) return;
  uncollected.collectAt = uncollected.count;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      uncollected.waiting.delete(done);
      resolve();
    };
    const timer = setTimeout(done, COLLECT_WAIT_MS);
    uncollected.waiting.add(done);
  });
}

function makeConnection(certificate: RTCCertificate): RTCPeerConnection {
  if (uncollected.count >= CONNECTIONS_UNCOLLECTED_MAX) {
    throw new RtcError('limit', `${CONNECTIONS_UNCOLLECTED_MAX} connections not freed by the browser yet`);
  }
  let rtc: RTCPeerConnection;
  try {
    rtc = new RTCPeerConnection({ certificates: [certificate] });
  } catch (error) {
    // The browser's own limit, which also counts the page's other connections.
    throw new RtcError('limit', error instanceof Error ? error.message : String(error));
  }
  uncollected.count += 1;
  registry ??= new FinalizationRegistry<undefined>(onCollected);
  registry.register(rtc, undefined);
  return rtc;
}

/**
 * Browsers report `failed` both when there is no response and when the certificate is wrong. In the second case ICE has
 * succeeded, so DTLS failed: it compares the certificate with the fingerprint in the description. (The state of the
 * DTLS transport may change later than the connection's.)
 */
function causeOfFailure(rtc: RTCPeerConnection): RtcFailureCause | undefined {
  const reached = rtc.iceConnectionState === 'connected' || rtc.iceConnectionState === 'completed';
  return reached ? 'dtls' : undefined;
}

/** Makes the browser believe that memory is short. */
function provokeCollection(): void {
  try {
    for (let n = 0; n < COLLECT_BUFFERS; n += 1) new ArrayBuffer(COLLECT_BUFFER_BYTES);
  } catch {
    // RangeError: memory is really short, and the browser collects by itself.
  }
}

function generateCertificate(): Promise<RTCCertificate> {
  return RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as EcKeyGenParams);
}

/** The command, or the reason why it is invalid. */
function parseCommand(data: unknown): RtcCommand | string {
  if (typeof data !== 'object' || data === null) return 'a command that is not an object';
  const { type, request, connection, offer, answer } = data as Record<string, unknown>;
  if (!isNumber(connection)) return 'a command without a connection';
  if (type === 'close') return { type, connection };
  if (!isNumber(request)) return 'a command without a request';
  if (type === 'open' || type === 'channel') return { type, request, connection };
  if (type !== 'negotiate') return 'an unknown command';
  if (!isDescription(offer) || !isDescription(answer)) return 'an invalid session description';
  return { type, request, connection, offer, answer };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function isDescription(value: unknown): value is string {
  return typeof value === 'string' && value.length <= SDP_CHARS_MAX && value.startsWith('v=0');
}
