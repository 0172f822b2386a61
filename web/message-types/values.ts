// Written by `HEADLIGHT_WRITE=1 cargo test -p sync-wasm message_types`; do not edit. See types.ts.

import type { Full, Names, Sent, StartOptions } from './types.js';

export const full = {
  "events": {
    "detached-head": {
      "expected": "0xabababababababababababababababababababababababababababababababab",
      "local": {
        "hash": "0xabababababababababababababababababababababababababababababababab",
        "number": 9.0
      },
      "type": "detached-head"
    },
    "error": {
      "code": "internal",
      "details": {
        "asked": 5.0,
        "dialErrors": [
          {
            "code": "timeout",
            "message": "m",
            "multiaddr": "a",
            "peer": "p"
          }
        ],
        "expected": "t",
        "from": 1.0,
        "got": "t",
        "hash": "t",
        "have": 3.0,
        "multiaddr": "t",
        "need": 4.0,
        "option": "t",
        "tips": [
          {
            "hash": "h",
            "number": 6.0,
            "peer": "p"
          }
        ],
        "to": 2.0
      },
      "message": "t",
      "type": "error"
    },
    "fault": {
      "banned": true,
      "code": "timeout",
      "message": "t",
      "multiaddr": "t",
      "peer": "t",
      "type": "fault"
    },
    "lock-lost": {
      "type": "lock-lost"
    },
    "peer-skipped": {
      "multiaddr": "t",
      "reason": "t",
      "type": "peer-skipped"
    },
    "progress": {
      "progress": {
        "bytesPerSecond": 8.0,
        "bytesReceived": 7.0,
        "etaSeconds": 9.0,
        "floor": 1.0,
        "headersPerSecond": 6.0,
        "memoryBytes": 10.0,
        "peers": [
          {
            "bannedForSeconds": 9.0,
            "bytes": 6.0,
            "bytesInFlight": 2.0,
            "faults": 7.0,
            "headers": 5.0,
            "id": "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
            "lastDialError": {
              "code": "timeout",
              "message": "m"
            },
            "lastFault": {
              "code": "timeout",
              "details": {
                "asked": 5.0,
                "dialErrors": [
                  {
                    "code": "timeout",
                    "message": "m",
                    "multiaddr": "a",
                    "peer": "p"
                  }
                ],
                "expected": "t",
                "from": 1.0,
                "got": "t",
                "hash": "t",
                "have": 3.0,
                "multiaddr": "t",
                "need": 4.0,
                "option": "t",
                "tips": [
                  {
                    "hash": "h",
                    "number": 6.0,
                    "peer": "p"
                  }
                ],
                "to": 2.0
              },
              "message": "m"
            },
            "latencyMs": 4.0,
            "multiaddr": "/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
            "otherBranchFrom": 10.0,
            "requestsInFlight": 1.0,
            "score": 8.0,
            "served": {
              "earliest": 1.0,
              "latest": 9.0,
              "latestHash": "0xabababababababababababababababababababababababababababababababab"
            },
            "state": "dialing",
            "windowBytes": 3.0
          }
        ],
        "percent": 5.0,
        "ranges": [
          {
            "from": 1.0,
            "state": "stored",
            "to": 2.0
          }
        ],
        "staged": 4.0,
        "stall": {
          "code": "no-peers",
          "details": {
            "asked": 5.0,
            "dialErrors": [
              {
                "code": "timeout",
                "message": "m",
                "multiaddr": "a",
                "peer": "p"
              }
            ],
            "expected": "t",
            "from": 1.0,
            "got": "t",
            "hash": "t",
            "have": 3.0,
            "multiaddr": "t",
            "need": 4.0,
            "option": "t",
            "tips": [
              {
                "hash": "h",
                "number": 6.0,
                "peer": "p"
              }
            ],
            "to": 2.0
          },
          "message": "m"
        },
        "state": "stalled",
        "stored": 3.0,
        "target": {
          "hash": "0xabababababababababababababababababababababababababababababababab",
          "number": 9.0
        },
        "total": 2.0,
        "wasmMemoryBytes": 0.0
      },
      "type": "progress"
    },
    "reorg": {
      "adopted": {
        "from": 1.0,
        "to": 2.0
      },
      "reverted": {
        "from": 1.0,
        "to": 2.0
      },
      "type": "reorg"
    },
    "segment-dropped": {
      "from": 1.0,
      "to": 2.0,
      "type": "segment-dropped"
    },
    "state": {
      "stall": {
        "code": "no-peers",
        "details": {
          "asked": 5.0,
          "dialErrors": [
            {
              "code": "timeout",
              "message": "m",
              "multiaddr": "a",
              "peer": "p"
            }
          ],
          "expected": "t",
          "from": 1.0,
          "got": "t",
          "hash": "t",
          "have": 3.0,
          "multiaddr": "t",
          "need": 4.0,
          "option": "t",
          "tips": [
            {
              "hash": "h",
              "number": 6.0,
              "peer": "p"
            }
          ],
          "to": 2.0
        },
        "message": "m"
      },
      "state": "stalled",
      "type": "state"
    },
    "synced": {
      "hash": "0xabababababababababababababababababababababababababababababababab",
      "number": 9.0,
      "type": "synced"
    }
  },
  "replies": {
    "error": {
      "code": "internal",
      "details": {
        "asked": 5.0,
        "dialErrors": [
          {
            "code": "timeout",
            "message": "m",
            "multiaddr": "a",
            "peer": "p"
          }
        ],
        "expected": "t",
        "from": 1.0,
        "got": "t",
        "hash": "t",
        "have": 3.0,
        "multiaddr": "t",
        "need": 4.0,
        "option": "t",
        "tips": [
          {
            "hash": "h",
            "number": 6.0,
            "peer": "p"
          }
        ],
        "to": 2.0
      },
      "message": "m"
    },
    "peers": [
      {
        "bannedForSeconds": 9.0,
        "bytes": 6.0,
        "bytesInFlight": 2.0,
        "faults": 7.0,
        "headers": 5.0,
        "id": "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
        "lastDialError": {
          "code": "timeout",
          "message": "m"
        },
        "lastFault": {
          "code": "timeout",
          "details": {
            "asked": 5.0,
            "dialErrors": [
              {
                "code": "timeout",
                "message": "m",
                "multiaddr": "a",
                "peer": "p"
              }
            ],
            "expected": "t",
            "from": 1.0,
            "got": "t",
            "hash": "t",
            "have": 3.0,
            "multiaddr": "t",
            "need": 4.0,
            "option": "t",
            "tips": [
              {
                "hash": "h",
                "number": 6.0,
                "peer": "p"
              }
            ],
            "to": 2.0
          },
          "message": "m"
        },
        "latencyMs": 4.0,
        "multiaddr": "/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
        "otherBranchFrom": 10.0,
        "requestsInFlight": 1.0,
        "score": 8.0,
        "served": {
          "earliest": 1.0,
          "latest": 9.0,
          "latestHash": "0xabababababababababababababababababababababababababababababababab"
        },
        "state": "dialing",
        "windowBytes": 3.0
      }
    ],
    "start": {
      "follower": true,
      "storage": "s",
      "stored": 1.0
    },
    "stats": {
      "batchesPersisted": 7.0,
      "connections": 13.0,
      "coreMs": 9.0,
      "dials": 12.0,
      "memoryBytes": 2.0,
      "messagesReceived": 5.0,
      "openMs": 14.0,
      "persistMs": 8.0,
      "requestsSent": 6.0,
      "segmentsAudited": 11.0,
      "wasmMemoryBytes": 1.0,
      "wireBytesReceived": 3.0,
      "wireBytesSent": 4.0,
      "yields": 10.0
    }
  }
} satisfies Full<Sent>;

export const least = {
  "events": {
    "detached-head": {
      "expected": "0xabababababababababababababababababababababababababababababababab",
      "local": {
        "hash": "0xabababababababababababababababababababababababababababababababab",
        "number": 9.0
      },
      "type": "detached-head"
    },
    "error": {
      "code": "internal",
      "message": "t",
      "type": "error"
    },
    "fault": {
      "banned": true,
      "code": "timeout",
      "message": "t",
      "multiaddr": "t",
      "peer": "t",
      "type": "fault"
    },
    "lock-lost": {
      "type": "lock-lost"
    },
    "peer-skipped": {
      "multiaddr": "t",
      "reason": "t",
      "type": "peer-skipped"
    },
    "progress": {
      "progress": {
        "bytesPerSecond": 0.0,
        "bytesReceived": 0.0,
        "floor": 0.0,
        "headersPerSecond": 0.0,
        "memoryBytes": 0.0,
        "peers": [
          {
            "bytes": 0.0,
            "bytesInFlight": 0.0,
            "faults": 0.0,
            "headers": 0.0,
            "id": "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
            "multiaddr": "/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
            "requestsInFlight": 0.0,
            "score": 100.0,
            "state": "dialing",
            "windowBytes": 0.0
          }
        ],
        "percent": 0.0,
        "ranges": [],
        "staged": 0.0,
        "state": "opening",
        "stored": 0.0,
        "total": 0.0,
        "wasmMemoryBytes": 0.0
      },
      "type": "progress"
    },
    "reorg": {
      "adopted": {
        "from": 1.0,
        "to": 2.0
      },
      "reverted": {
        "from": 1.0,
        "to": 2.0
      },
      "type": "reorg"
    },
    "segment-dropped": {
      "from": 1.0,
      "to": 2.0,
      "type": "segment-dropped"
    },
    "state": {
      "state": "stalled",
      "type": "state"
    },
    "synced": {
      "hash": "0xabababababababababababababababababababababababababababababababab",
      "number": 9.0,
      "type": "synced"
    }
  },
  "replies": {
    "error": {
      "code": "internal",
      "message": "m"
    },
    "peers": [
      {
        "bytes": 0.0,
        "bytesInFlight": 0.0,
        "faults": 0.0,
        "headers": 0.0,
        "id": "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
        "multiaddr": "/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE",
        "requestsInFlight": 0.0,
        "score": 100.0,
        "state": "dialing",
        "windowBytes": 0.0
      }
    ],
    "start": {
      "follower": true,
      "storage": "s",
      "stored": 1.0
    },
    "stats": {
      "batchesPersisted": 7.0,
      "connections": 13.0,
      "coreMs": 9.0,
      "dials": 12.0,
      "memoryBytes": 2.0,
      "messagesReceived": 5.0,
      "openMs": 14.0,
      "persistMs": 8.0,
      "requestsSent": 6.0,
      "segmentsAudited": 11.0,
      "wasmMemoryBytes": 1.0,
      "wireBytesReceived": 3.0,
      "wireBytesSent": 4.0,
      "yields": 10.0
    }
  }
} satisfies Sent;

export const start = {
  "chain": {
    "genesis": "0xabababababababababababababababababababababababababababababababab",
    "id": 1
  },
  "forks": "{}",
  "listedPeers": [
    "l"
  ],
  "paused": true,
  "peers": [
    "p"
  ],
  "storage": {
    "name": "n"
  },
  "target": "0xabababababababababababababababababababababababababababababababab",
  "tuning": {
    "audit": false,
    "dialTimeoutMs": 7,
    "floor": 2,
    "memoryBytesMax": 5,
    "recordingBytesMax": 8,
    "requestTimeoutMs": 4,
    "seed": 3,
    "stallMs": 6,
    "tipQuorum": 1
  }
} satisfies Full<StartOptions>;

export const names = {
  "DialErrorCode": {
    "closed": true,
    "limit": true,
    "not-dialable": true,
    "refused": true,
    "timeout": true,
    "unsupported": true,
    "wrong-certhash": true,
    "wrong-peer-id": true
  },
  "HeaderRecord": {
    "hash": true,
    "number": true,
    "rlp": true,
    "verifiedUnderTarget": true
  },
  "PackedHeaders": {
    "first": true,
    "hashes": true,
    "lengths": true,
    "rlp": true,
    "verifiedUnderTarget": true
  },
  "PeerState": {
    "banned": true,
    "connected": true,
    "dialing": true,
    "disconnected": true,
    "unreachable": true,
    "wrong-chain": true
  },
  "SyncState": {
    "failed": true,
    "finding-peers": true,
    "follower": true,
    "opening": true,
    "paused": true,
    "resolving-target": true,
    "stalled": true,
    "stopped": true,
    "synced": true,
    "syncing": true
  }
} satisfies Names;
