/* limits.h: every limit of Cloister, by the folder that enforces it, each with its reason. A limit has a test that
 * hits it, or says why no test does. */
#pragma once

/* --- base ------------------------------------------------------------------------------------------------------- */

/* Keys and passphrases alive at once in one process. A front holds two per request in flight and has at most 256 of
 * those; keys caches a wrapping key per active key. 96-byte slots: 2,048 of them are 256 KiB of the usual 8 MiB
 * memlock. */
#define SECRET_SMALL_SLOTS 2048
/* Holds any symmetric key, an Ed25519 or P-256 scalar, and the 76 bytes that Cobblestone-256 derives. */
#define SECRET_SMALL_BYTES 96
/* Private keys in DER or PEM, passphrases, sealed bodies while they are opened. 64 of 8 KiB: 512 KiB locked. */
#define SECRET_LARGE_SLOTS 64
#define SECRET_LARGE_BYTES 8064

/* A path as one string: Linux's own PATH_MAX. */
#define PATH_BYTES_MAX 4096

/* How often one open is tried again when the kernel says that the path changed under it. A rename settles within a
 * try or two; whoever renames without end, or holds a lease on the file, must not hold us. */
#define PATH_OPEN_TRIES 100

/* One line of a program's log. Longer values are cut: a log line is for reading, and must be one write(2). */
#define LOG_LINE_BYTES_MAX 4096

/* --- crypto ----------------------------------------------------------------------------------------------------- */

/* One AEAD message. GCM itself ends at 64 GiB (SP 800-38D), OpenSSL's calls at 2 GiB; bulk data goes in chunks. */
#define AEAD_MESSAGE_BYTES_MAX (1u << 30)

/* Chunks of a message: 4 PiB, where the specification ends (c2sp.org/chunked-encryption). */
#define CHUNKED_CHUNKS_MAX (UINT64_C(1) << 38)

/* What a message is bound to. Ours are hashes of 32 bytes; other writers of the format may say it in words. */
#define CHUNKED_CONTEXT_BYTES_MAX 1024

/* scrypt's cost comes from a file that somebody may have altered. Below 2^14 (16 MiB) a stolen file is too cheap to
 * guess at; above 2^22 (4 GiB) opening one is a denial of service. r is 8 everywhere in practice. */
#define SCRYPT_LOG_N_MIN 14
#define SCRYPT_LOG_N_MAX 22
#define SCRYPT_R 8
#define SCRYPT_P_MAX 16

/* A SubjectPublicKeyInfo as OpenSSL writes it: P-384's is the longest that we take, of 120 bytes; a certificate may
 * hold any vendor's, up to RSA's with 16,384 bits, which is then refused for its kind. */
#define SIGN_SPKI_BYTES_MAX 4096

/* Certificates in PEM: a vendor's chain is at most six of about 2 KiB; root bundles hold every vendor's. */
#define X509_PEM_BYTES_MAX (256 * 1024)
#define X509_CERTIFICATES_MAX 64

/* OpenSSL's scale: 2 is 112 bits, so RSA from 2,048 bits and no SHA-1 in signatures. No vendor of evidence needs less.
 */
#define X509_SECURITY_LEVEL 2

/* Names in a certificate of our own: a front has a host name or two per address. */
#define X509_NAMES_MAX 64

/* --- db --------------------------------------------------------------------------------------------------------- */

/* Prepared statements that one handle keeps: one per SQL literal of a role, of which the largest has some 150. Reaching
 * it means that somebody builds SQL text at run time. */
#define DB_STATEMENTS_MAX 512
/* How long a writer waits for another handle's transaction. Ours take milliseconds; a backup may hold one longer. */
#define DB_BUSY_WAIT_MS 5000
/* One row, and one value in it: the largest value is a policy or a sealed record (64 KiB), with room for a generation.
 */
#define DB_VALUE_BYTES_MAX (4 << 20)

/* --- wire/s3 ---------------------------------------------------------------------------------------------------- */

/* A key of 1,024 bytes, each as %XX, a bucket, and a presigned query with its longest credentials. */
#define S3_TARGET_BYTES_MAX 16384
/* Names of buckets: S3's own limit. */
#define S3_BUCKET_NAME_BYTES_MAX 63

/* --- store ------------------------------------------------------------------------------------------------------ */

/* S3's own limits: 10,000 parts an object, keys of 1,024 bytes. */
#define STORE_PARTS_MAX 10000
#define STORE_KEY_BYTES_MAX 1024
/* 32 hexadecimal digits, "-" and a part count; room for a longer hash. */
#define STORE_ETAG_BYTES_MAX 80
/* User metadata is at most 2 KiB in S3; content headers, ETag and checksums come to it, escaped as JSON. */
#define STORE_METADATA_BYTES_MAX 16384
/* A KMS blob around a 32-byte key is 101 bytes; room for one with a longer head. */
#define STORE_WRAP_BYTES_MAX 1024
/* Objects up to this lie in a segment beside their sidecar: one write, one fdatasync shared by all that wait. Above it
 * a blob is a file of its own, which can be removed alone. */
#define STORE_INLINE_BYTES_MAX (256 * 1024)
/* A segment is closed past this size: small enough to compact in a second, large enough that 1 TiB is 16,384 files. */
#define STORE_SEGMENT_BYTES (64 * 1024 * 1024)
/* Segments that stay open for reading: opening one costs as much as reading a small object from it. A small part of the
 * usual 1,024 descriptors, and the newest 4 GiB. */
#define STORE_SEGMENTS_KEPT 64
/* The largest record: 10,000 parts of 152 bytes, metadata, key; or a sidecar and an inline object. */
#define STORE_RECORD_BYTES_MAX (2 * 1024 * 1024)
/* Records that wait for one group commit; more callers than this have no threads to come from. */
#define STORE_COMMIT_QUEUE_MAX 1024

/* --- wire: HTTP/1.1 --------------------------------------------------------------------------------------------- */

/* A request or response head. A presigned URL with a session token and the longest object key is under 8 KiB, user
 * metadata of S3 is 2 KiB, cookies and baggage of proxies come on top. */
#define HTTP1_HEAD_BYTES_MAX (32 * 1024)
/* Fields in a head. S3 clients send about 20, a chain of proxies 20 more. */
#define HTTP1_FIELDS_MAX 100
/* The longest method in the IANA registry has 17 letters; ours have 7. */
#define HTTP1_METHOD_BYTES_MAX 24
/* A request target: a key of 1,024 bytes, each percent-encoded, is 3 KiB; a session token up to 8 KiB. */
#define HTTP1_TARGET_BYTES_MAX (16 * 1024)
/* Digits of a chunk's size: 64 bits. */
#define HTTP1_CHUNK_DIGITS_MAX 16
/* Extensions have no use here; a signature in one is 81 bytes. In all chunks of a body together: so that a body of
 * one-byte chunks with long extensions is not carried for free. */
#define HTTP1_EXTENSION_BYTES_MAX 256
#define HTTP1_EXTENSIONS_BYTES_MAX (64 * 1024)
/* A trailer section: a checksum and a signature are 200 bytes. */
#define HTTP1_TRAILER_BYTES_MAX 4096
/* Parameters of a query or of a form: the Query API of IAM numbers its list members, policies have up to 50 tags. */
#define URI_PARAMETERS_MAX 128

/* --- net -------------------------------------------------------------------------------------------------------- */

/* Connections of one server at once. An idle one holds about 10 KiB; 4,096 are 40 MiB and fit the usual limit of open
 * files when it is raised to its hard value. */
#define NET_CONNECTIONS_MAX 4096
/* From one IPv4 address or one IPv6 /64: an S3 client with a full transfer pool opens 100 or fewer, and several may
 * share an address. A balancer in front needs more, and sets it. */
#define NET_CONNECTIONS_PER_PEER_MAX 512
/* Threads, so requests that are handled at once. */
#define NET_WORKERS 64
/* Then the connection is closed, so that load spreads anew over fronts behind a balancer. */
#define NET_REQUESTS_PER_CONNECTION_MAX 1000
/* A TLS handshake is two round trips and a head is one: 10 s allow for a satellite and three lost packets. */
#define NET_HANDSHAKE_MS 10000
#define NET_HEAD_MS 10000
/* Between requests. Above the 60 s after which common balancers drop their side, so that it is they who close. */
#define NET_IDLE_MS 75000
/* A body or an answer may stall this long, and each byte buys its share of a second at this rate: the slowest client
 * that is served in the long run moves 64 kbit/s. */
#define NET_STALL_MS 20000
#define NET_BYTES_PER_S_MIN 8192
/* After an early answer: what a client still sends is thrown away for so long and so much, since closing at once would
 * reset the connection under the answer. */
#define NET_LINGER_MS 2000
#define NET_LINGER_BYTES_MAX (64 * 1024 * 1024)
/* A body that the handler did not read is read and dropped up to here to keep the connection; beyond, it closes. */
#define NET_DRAIN_BYTES_MAX (64 * 1024)
/* The largest body: S3's 5 GiB part, and what aws-chunked coding adds to it. */
#define NET_BODY_BYTES_MAX (6ULL * 1024 * 1024 * 1024)
/* Staging of one request: a whole head, and as much again of its body. No unit test hits it: the size of a buffer,
 * which refuses nothing; what is beyond it waits in the socket. */
#define NET_IN_BYTES (2 * HTTP1_HEAD_BYTES_MAX)
/* Header fields of an answer, ours or our peer's, before they are sent. */
#define NET_ANSWER_FIELDS_BYTES_MAX HTTP1_HEAD_BYTES_MAX

/* --- wire ------------------------------------------------------------------------------------------------------- */

/* A query, or a form body. IAM's largest documents are 10,240 characters, three times that when encoded; two of them
 * fit. */
#define FORM_BYTES_MAX 65536
/* Parameters. A request with 50 tags has 100, and 20 policy documents and session tags come beside them. */
#define FORM_PAIRS_MAX 256

/* Bytes of a request-target. S3 keys have 1,024, three times that when encoded; a presigned URL adds a session token.
 */
#define SIGV4_TARGET_BYTES_MAX 16384
/* Headers of one request. S3 allows 2 KiB of user metadata, which is at most some 130 headers. */
#define SIGV4_HEADERS_MAX 256
/* An Authorization header: the lists below and their punctuation. */
#define SIGV4_AUTHORIZATION_BYTES_MAX 8192
/* IAM's own bound for AccessKeyId. */
#define SIGV4_ACCESS_KEY_BYTES_MAX 128
/* The longest region name in use has 16 characters. */
#define SIGV4_REGION_BYTES_MAX 64
/* The longest service name in signatures has about 30 characters. */
#define SIGV4_SERVICE_BYTES_MAX 64
/* The names of all signed headers. 130 of 25 bytes. */
#define SIGV4_SIGNED_HEADERS_BYTES_MAX 4096
/* A session token. AWS says to expect up to 4 KiB; ours are smaller. */
#define SIGV4_TOKEN_BYTES_MAX 4096
/* What a clock may be off: AWS's own 15 minutes. */
#define SIGV4_SKEW_MS (15 * 60 * 1000)
/* A presigned URL lives for at most seven days, as in AWS. */
#define SIGV4_EXPIRES_S_MAX 604800

/* One JSON text. The largest are manifests and CreateTrainingJob bodies; evidence with its certificates is 100 KiB. */
#define JSON_BYTES_MAX (1 << 20)
/* Nesting. A policy reaches 6, a SageMaker request 8, a SLSA statement 10. */
#define JSON_DEPTH_MAX 32
/* Values in one text: at most some 20 MiB of memory while it is read. A manifest of 1,000 inputs has 10,000. */
#define JSON_VALUES_MAX 65536

/* A line of an aws-chunked body: a chunk's head is at most 101 bytes, a trailer's line a name and a checksum in base64.
 */
#define AWS_CHUNKED_LINE_BYTES_MAX 512
/* Trailers of one body. Clients send one checksum; S3 knows ten kinds of them. */
#define AWS_CHUNKED_TRAILERS_MAX 8
#define AWS_CHUNKED_TRAILER_NAME_BYTES_MAX 64
/* A signed chunk is at least this long unless it is the last with data (S3's own rule): signing smaller ones would cost
 * more than the data. */
#define AWS_CHUNKED_CHUNK_BYTES_MIN 8192

/* One XML body. CompleteMultipartUpload with 10,000 parts and a checksum each is 3 MiB, DeleteObjects with 1,000 keys
 * at most 6 MiB if every character is escaped, 1.2 MiB if none is. */
#define XML_BYTES_MAX (4 << 20)
/* Elements: 10,000 parts with ETag, PartNumber and five checksums. */
#define XML_ELEMENTS_MAX 80000
/* Nesting, read and written. IAM's and S3's deepest answers reach 8. */
#define XML_DEPTH_MAX 16
/* The longest name in the S3 API has 38 characters. */
#define XML_NAME_BYTES_MAX 128
/* A namespace is a short URL: IAM's has 43 characters. */
#define XML_NAMESPACE_BYTES_MAX 256

/* A configuration or a job file: people write 10 KiB. */
#define YAML_BYTES_MAX (256 << 10)
#define YAML_VALUES_MAX 10000
#define YAML_DEPTH_MAX 32
/* The names that lead to one value, with dots between them. */
#define YAML_PATH_BYTES_MAX 1024

/* --- ipc -------------------------------------------------------------------------------------------------------- */

/* Messages are a few hundred bytes; a signed request with its headers, a policy or a quote is some 10 KiB. 64 KiB fits
 * a default socket buffer three times over, so that two peers never wait for each other with empty hands. */
#define IPC_INLINE_BYTES_MAX 65536
/* A body in a memfd: the largest is a job's evidence with collateral and event logs, about 2 MiB. */
#define IPC_BODY_BYTES_MAX (16 * 1024 * 1024)
/* Descriptors beside the body: the largest user hands over a listener or a directory, one at a time. */
#define IPC_FDS_MAX 4
/* The sentence of an error reply: what struct why holds, less its NUL. */
#define IPC_ERROR_TEXT_BYTES_MAX 511
/* Messages of ours that wait on one link for a peer who does not read. */
#define IPC_LINK_QUEUE_MAX 256
/* Requests open on one link in one direction, timed-out ones included: what front has in flight altogether. A peer
 * that has more open at us broke the protocol. */
#define IPC_LINK_CALLS_MAX 256
/* The same for a blocking client, which has one call at a time: so many in a row must have timed out. */
#define IPC_CLIENT_UNANSWERED_MAX 64
/* Messages taken from one link before the others get their turn. */
#define IPC_LINK_BURST 16

/* --- daemon ----------------------------------------------------------------------------------------------------- */

/* Uids of the roles when started as root, each its number above this: above what systemd's containers (to 1879048191)
 * and subordinate ids (to 600100000) use, below 2^31, which file systems and tools still trip over. */
#define ROLE_UID_BASE 2000000000
/* Links of one role: 8 peers, and front's workers at each of four. */
#define ROLE_LINKS_MAX 320
/* Front's worker threads. */
#define FRONT_WORKERS_MAX 64
#define FRONT_WORKERS_DEFAULT 8
/* Events that one role keeps while watch is away or slow; at a few hundred bytes each, under 1 MiB. */
#define EVENT_QUEUE_MAX 1024
/* Events on their way at once. */
#define EVENT_WINDOW 32
/* Until an event that was not acknowledged is sent again. */
#define EVENT_RETRY_MS 5000
/* "job.metric.budget_exceeded" is 26; details are a handful of names and numbers. */
#define EVENT_NAME_BYTES_MAX 64
#define EVENT_DETAIL_BYTES_MAX 2048
/* A role that crashes is started again after 50 ms, then twice that each time, so that five starts fit into two
 * seconds; the fifth crash within a minute will not be cured by a sixth start. */
#define ROLE_RESTART_DELAY_MS 50
#define ROLE_CRASHES_MAX 5
#define ROLE_CRASH_WINDOW_MS 60000
/* A start locks memory and opens a database; a stop finishes what is in flight. Longer means stuck. No unit test hits
 * them: tests/integration/processes waits for the second, and the first takes half a minute and the same path. */
#define ROLE_START_DEADLINE_MS 30000
#define ROLE_STOP_DEADLINE_MS 5000

/* --- daemon/link: requests between front and keys ---------------------------------------------------------------- */

/* As many header fields, and bytes of them, as the HTTP parser lets through. */
#define CALL_FIELDS_MAX 100
#define CALL_HEAD_BYTES_MAX (32 * 1024)
/* Header fields of an answer that keys makes: content type, request id, and a few of S3's. */
#define CALL_ANSWER_FIELDS_MAX 16
/* Bodies that keys reads: the largest is DeleteObjects, 1,000 keys of 1,024 bytes as XML with escapes. */
#define CALL_BODY_BYTES_MAX (8 * 1024 * 1024)
/* "[ffff:…]:65535" with room for a scope. */
#define CALL_PEER_BYTES_MAX 80
/* Error codes, messages, ARNs, trailers. */
#define CALL_TEXT_BYTES_MAX 2048
/* Objects of one DeleteObjects: S3's own limit. */
#define S3_DELETES_MAX 1000
/* Signed chunks that one CHUNKS_VERIFY carries: 100 bytes each, so a message stays inline. */
#define S3_CHUNKS_PER_CALL_MAX 256

/* --- daemon/link: the log ---------------------------------------------------------------------------------------- */

/* 12 digits, or "operator". */
#define LEDGER_ACCOUNT_BYTES_MAX 16
/* An entry of a C2SP bundle has a 16-bit length. */
#define LEDGER_RECORD_BYTES_MAX 65535
/* Records of one APPEND: what keys gathers while the commit before is under way. */
#define LEDGER_ENTRIES_PER_CALL_MAX 256
/* Records of one page of a view. */
#define LEDGER_VIEW_RECORDS_MAX 200
/* CloudTrail's event names are under 64 characters. */
#define LEDGER_EVENT_NAME_BYTES_MAX 128
/* One APPEND. Sealed, with leaves and heads, twice as much fits one batch of the journal. */
#define LEDGER_APPEND_BYTES_MAX (8 * 1024 * 1024)
/* A page of a view: so that no answer is refused for its size. */
#define LEDGER_VIEW_BYTES_MAX (8 * 1024 * 1024)
/* Records that one VIEW opens before it answers with what it has: 25 us each, during which nothing is appended. */
#define LEDGER_VIEW_SCAN_MAX 1000
/* Hours that one answer names: as many as it can have met. */
#define LEDGER_HOURS_MAX LEDGER_VIEW_SCAN_MAX
/* Keys of accounts and hours in memory; 24 of the large secrets. Every account that is active needs one. */
#define LEDGER_KEYS_MAX 6000
/* How long a batch may grow while more keeps coming in. A commit takes about as long on a good disk. */
#define LEDGER_GATHER_MS 5
/* Kept for administration: 30,000 records, and what is derived from them. */
#define LEDGER_RESERVE_BYTES (64 * 1024 * 1024)
/* Below this nothing ordinary is logged: one batch with its tiles and two marks is less. */
#define LEDGER_FREE_BYTES_MIN (32 * 1024 * 1024)
/* What is given back of the reserve at a time: a batch of administration with its tiles. */
#define LEDGER_RESERVE_STEP_BYTES (8 * 1024 * 1024)
/* How often it is tried to take it again, and public files are renewed when nothing is appended. */
#define LEDGER_TICK_MS 1000
/* Logs up to this many leaves are read from end to end at start, in 3 s; of larger ones, what appending rests on. */
#define LEDGER_CHECK_ALL_LEAVES_MAX 1000000
/* Listening sockets of one server: TLS and plain, IPv4 and IPv6, the agent's unix socket. */
#define NET_LISTENERS_MAX 8

/* The client's patience, unless a caller sets another: to connect and shake hands, and to be kept waiting in one
 * exchange. No unit test hits them: they take a minute; tests/unit/net sets less and waits for that. */
#define NET_CLIENT_CONNECT_MS 10000
#define NET_CLIENT_STALL_MS 60000
/* RFC 9110 10.1.1: 100 Continue is not to be waited for without end, since servers may ignore the expectation. */
#define NET_CLIENT_CONTINUE_MS 1000
/* 1xx answers before the final one: one is usual. */
#define NET_CLIENT_INTERIM_MAX 8

/* --- audit ------------------------------------------------------------------------------------------------------ */

/* A signed note. 16 signatures must be accepted, and post-quantum ones take 6.6 KiB each in base64: 106 KiB. */
#define NOTE_BYTES_MAX 131072
/* Signature lines in a note: the log's own, a second algorithm's, and a generous number of witnesses. */
#define NOTE_SIGNATURES_MAX 64
/* A key's name, and a log's origin: cosignatures write their length in one byte. */
#define NOTE_NAME_BYTES_MAX 255
/* Key id and signature; the largest assigned algorithm (ML-DSA) stays under 5 KiB. */
#define NOTE_SIGNATURE_BYTES_MAX 5124

/* Hashes in an inclusion or consistency proof: a tree of 2^64 leaves is 64 deep. */
#define MERKLE_PROOF_HASHES_MAX 64

/* An entry of a log: entry bundles write its length in 16 bits (C2SP tlog-tiles). */
#define LOG_ENTRY_BYTES_MAX 65535
/* A leaf of our own log: two hashes in base64, a producer's name and a number come to 220 bytes. */
#define LEAF_BYTES_MAX 320
/* "front@machine-17.example.com": which process of which machine wrote a leaf. */
#define LEAF_PRODUCER_BYTES_MAX 64
/* A record with all its members, as CloudTrail-like consumers accept it. Larger payloads are named by digest. */
#define RECORD_BYTES_MAX 65535
/* An account's number, or the name of a data subject's own key space. */
#define RECORD_ACCOUNT_BYTES_MAX 64
/* Objects and arrays inside each other in a record: requestParameters of the deepest AWS call nest 12. */
#define CANON_DEPTH_MAX 32

/* A .tlog-proof file: a checkpoint, 64 hashes, and as much extra data again. */
#define TLOG_PROOF_BYTES_MAX (2 * NOTE_BYTES_MAX)
/* Unauthenticated extra data in it: enough for a certificate, not for a payload. */
#define TLOG_PROOF_EXTRA_BYTES_MAX 16384
/* An opened record, its salt and its proof as one JSON text; the proof grows by its escaped line ends. */
#define RECEIPT_BYTES_MAX (RECORD_BYTES_MAX + TLOG_PROOF_BYTES_MAX + 8192)
/* Witnesses a verifier can be configured with: C2SP tlog-policy asks for 32. */
#define TRUST_WITNESSES_MAX 32

/* Leaves in one batch of the ledger: what 64 clients can have waiting when a commit takes 10 ms, twice over. */
#define LEDGER_BATCH_LEAVES_MAX 8192
/* One batch in the journal. Half of it is kept for what is already staged: a batch is full at that size. */
#define LEDGER_FRAME_BYTES_MAX (16 * 1024 * 1024)
/* A journal segment. Small enough to copy or scan in a second, large enough that files stay few. */
#define LEDGER_SEGMENT_BYTES_MAX (64 * 1024 * 1024)
/* Journal that a restart has to replay before a new mark is made: a tenth of a second of work. */
#define LEDGER_SETTLE_BYTES (8 * 1024 * 1024)
/* ... and how much there may be while the disk lags behind; then appending waits. */
#define LEDGER_UNSETTLED_BYTES_MAX (256 * 1024 * 1024)
/* How often the public checkpoint is renewed under load. In-process readers always see the latest. */
#define LEDGER_PUBLISH_MS 200
/* Processes that write to the log, over all machines and restarts under other names. */
#define LEDGER_PRODUCERS_MAX 4096
/* Accounts and data subjects with a history of their own; their heads are in memory and in the mark (9 MiB). */
#define LEDGER_ACCOUNTS_MAX 65536
/* Tiles with all their inner hashes kept for proofs, 16 KiB each. */
#define LEDGER_TILE_CACHE 64
/* Records that one view request opens before it answers with what it has and where to go on: some 5 ms, during which
 * nothing can be appended. */
#define VIEW_SCAN_MAX 500
/* Records that one view request answers with: CloudTrail's own limit is 50; a table on a screen wants more. */
#define VIEW_LIMIT_MAX 500
/* How long before the ledger appends a record its event may have happened: spools, and clocks that differ. */
#define VIEW_DELAY_MS_MAX (24 * 60 * 60 * 1000)
/* The ledger's mark: the heads of all chains at 120 bytes each, and a signature. */
#define LEDGER_MARK_BYTES_MAX (10 * 1024 * 1024)

/* --- daemon/front ----------------------------------------------------------------------------------------------- */

/* The largest object in one PUT, and the largest part: S3's own 5 GiB. */
#define S3_PUT_BYTES_MAX (5ULL * 1024 * 1024 * 1024)
/* Parts of an upload but the last are at least this long: S3's own 5 MiB. */
#define S3_PART_BYTES_MIN (5 * 1024 * 1024)
/* Entries of one page of a list: S3's own 1,000. */
#define S3_LIST_MAX 1000
/* Uploads in progress of one bucket that a list looks through. */
#define S3_UPLOADS_LISTED_MAX 10000
/* User metadata, names and values together: S3's own 2 KiB. */
#define S3_USER_METADATA_BYTES_MAX 2048
/* The XML of a list: 1,000 keys of 1,024 bytes, each byte as a reference of 6, and what stands around them. */
#define S3_ANSWER_BYTES_MAX (8 * 1024 * 1024)
/* How long keys or ledger may take to answer: a group commit on a slow disk takes a second. */
#define FRONT_CALL_MS 20000
/* A role that has crashed is back, and linked again, after ROLE_RESTART_DELAY_MS and what its start takes. Requests
 * wait that long instead of failing. */
#define FRONT_LINK_WAIT_MS 3000
/* What is moved from the socket to the store at once: one run of sealed chunks. */
#define FRONT_PIECE_BYTES (256 * 1024)
/* Names of buckets that front remembers the ids of. */
#define FRONT_BUCKETS_CACHED 1024
/* Events of worker threads on their way to the main thread. */
#define FRONT_MAILBOX_MAX 64
/* How often blobs that nothing names any more are removed. */
#define FRONT_COLLECT_MS 10000
/* Requests in flight are given so long when front stops; the supervisor's deadline is ROLE_STOP_DEADLINE_MS. */
#define FRONT_STOP_GRACE_MS 3000
/* --- seal ------------------------------------------------------------------------------------------------------- */

/* The core of a sealed file names an algorithm, a date, a 32-byte id and a media type: 190 bytes. */
#define SEAL_CORE_BYTES_MAX 4096
/* A media type: RFC 6838 allows 127 characters for each half, and none in use comes near. */
#define SEAL_TYPE_BYTES_MAX 127
/* The wraps of a sealed file, padding included: some hundred recipients. */
#define SEAL_WRAPS_BYTES_MAX 65536
/* Wraps are padded to multiples of this, so that most changes fit in place and the number of recipients shows only
 * roughly. */
#define SEAL_WRAPS_STEP_BYTES 4096
/* Wraps in one file: each costs whoever opens it an attempt. */
#define SEAL_WRAPS_MAX 128
/* Passphrases among them: each costs whoever tries one up to a GiB of memory and seconds. */
#define SEAL_PASSPHRASES_MAX 4
/* One wrapped data key: a KMS blob of 97 bytes is usual, one of another service up to 1 KiB. */
#define SEAL_WRAP_CIPHERTEXT_BYTES_MAX 2048
/* What a file from a stranger may make us spend on a passphrase: 2^20 * 8 * 128 = 1 GiB, some 4 s. */
#define SEAL_SCRYPT_LOG_N_MAX 20
#define SEAL_SCRYPT_P_MAX 4
/* Chunks that one thread carries at a time: 512 KiB in and as much out, which the second-level caches of current
 * processors hold. */
#define SEAL_RUN_CHUNKS 32
/* Threads of one seal or open: 16 with three runs each take 24 MiB and stay under the promised 32. */
#define SEAL_THREADS_MAX 16

/* --- kms -------------------------------------------------------------------------------------------------------- */

/* root.json: a provider's parameters (a TPM's sealed object takes 300 bytes) and 72 wrapped bytes. */
#define KMS_ROOT_FILE_BYTES_MAX 8192
/* Encrypt and Decrypt take this much in clear, as the interface they follow says. */
#define KMS_PLAINTEXT_BYTES_MAX 4096
/* A ciphertext blob: version, key id, key version, nonce, tag and the plaintext. */
#define KMS_BLOB_BYTES_MAX (1 + 16 + 4 + 24 + KMS_PLAINTEXT_BYTES_MAX + 16)
/* A data key, or random bytes, in one answer. */
#define KMS_DATA_KEY_BYTES_MAX 1024
/* An encryption context, canonical: as much as the interface we follow takes, and pairs that fit a policy. */
#define KMS_CONTEXT_BYTES_MAX 8192
#define KMS_CONTEXT_PAIRS_MAX 64
/* A key policy and a description, as the interface we follow has them. */
#define KMS_POLICY_BYTES_MAX 32768
#define KMS_DESCRIPTION_BYTES_MAX 8192
/* alias/… */
#define KMS_ALIAS_BYTES_MAX 256
/* An ARN in a grant or an answer: 2,048 is the longest that the interface we follow takes. */
#define KMS_ARN_BYTES_MAX 2048
/* Keys and aliases of one account: each is a row that start-up authenticates and an epoch rewraps. */
#define KMS_KEYS_PER_ACCOUNT_MAX 10000
#define KMS_ALIASES_PER_ACCOUNT_MAX 10000
/* Keys and aliases in one page of a list. */
#define KMS_PAGE_ROWS_MAX 1000
/* Generations whose hashes are kept, to prove that the log's last one is in our past. One crash leaves at most those
 * that were in flight; this is hours of the heaviest use. */
#define KMS_HISTORY_ROWS_MAX 4096
/* Days from ScheduleKeyDeletion to destruction, as the interface we follow has them. */
#define KMS_DELETION_DAYS_MIN 7
#define KMS_DELETION_DAYS_MAX 30
/* One request body of the JSON API: a policy of 32 KiB, escaped at worst, or 4 KiB in base64. */
#define KMS_REQUEST_BYTES_MAX 262144
/* An answer: 1,000 aliases with their ARNs are 700 KiB. */
#define KMS_REPLY_BYTES_MAX (1 << 20)
/* What a request or an answer adds to a record of at most 64 KiB. */
#define KMS_RECORD_BYTES_MAX 49152
/* A grant: nodes of one job and attempts for each. */
#define KMS_GRANT_NODES_MAX 1024
#define KMS_GRANT_ATTEMPTS_MAX 100

/* --- iam: policies ---------------------------------------------------------------------------------------------- */

/* One policy document, white space included: what KMS grants a key policy, the largest of AWS's kinds. */
#define POLICY_BYTES_MAX 32768
/* Statements of one policy: `key admit` adds one for each plan that it admits. */
#define POLICY_STATEMENTS_MAX 128
/* Entries of one list: actions, resources, principals, values of one condition. */
#define POLICY_LIST_MAX 256
/* Conditions (operator and key) of one statement: every attestation claim twice. */
#define POLICY_CONDITIONS_MAX 64
/* Variables in one text; an ARN has six parts. */
#define POLICY_VARIABLES_MAX 8
/* A text once its variables stand for their values: an ARN, or a whole hyper-parameter (2,500 in SageMaker). */
#define POLICY_EXPANDED_MAX 4096
/* A Sid: a sentence, as key policies have them. */
#define POLICY_SID_BYTES_MAX 128
/* The name of a condition key: a hyper-parameter's may have 256 characters. */
#define POLICY_KEY_BYTES_MAX 320
/* Digits of a number in a condition, before and after the point together. */
#define POLICY_NUMBER_BYTES_MAX 40
/* Condition keys of one request: a job has at most 100 hyper-parameters and 100 environment variables beside its
 * claims. */
#define CONTEXT_KEYS_MAX 320
/* Values of one request, all keys together: mostly the digests of a job's inputs. */
#define CONTEXT_VALUES_MAX 4096
/* One value, and all of them with their names: 100 hyper-parameters of 2,500 bytes are 250 KiB. */
#define CONTEXT_VALUE_BYTES_MAX 4096
#define CONTEXT_BYTES_MAX (1 << 20)

/* --- iam: identities -------------------------------------------------------------------------------------------- */

/* Accounts of an installation, users and roles of an account: AWS's order of magnitude; lists stay short. */
#define IAM_ACCOUNTS_MAX 10000
#define IAM_USERS_MAX 5000
#define IAM_ROLES_MAX 5000
#define IAM_MANAGED_POLICIES_MAX 1500
/* Access keys of one user, or of a root user: one in use and its successor, as with AWS. */
#define IAM_ACCESS_KEYS_MAX 2
/* Policies of one identity, inline and attached together: each is parsed whenever it acts. */
#define IAM_POLICIES_PER_IDENTITY_MAX 20
/* A policy of an identity; AWS allows 2,048 to 10,240 characters. */
#define IAM_POLICY_BYTES_MAX 10240
/* A role's trust policy, and a session's policy in a request: as with AWS. */
#define IAM_TRUST_BYTES_MAX 4096
#define IAM_SESSION_POLICY_BYTES_MAX 2048
/* Names of users, roles and sessions; paths; names of policies. */
#define IAM_NAME_BYTES_MAX 64
#define IAM_PATH_BYTES_MAX 512
#define IAM_POLICY_NAME_BYTES_MAX 128
/* One list's answer: AWS's default and maximum. */
#define IAM_LIST_DEFAULT 100
#define IAM_LIST_MAX 1000

/* --- iam: sessions and signatures ------------------------------------------------------------------------------- */

/* How long an assumed role lasts: 15 minutes to 12 hours, an hour by default, as with AWS. */
#define IAM_SESSION_S_MIN 900
#define IAM_SESSION_S_DEFAULT 3600
#define IAM_SESSION_S_MAX 43200
/* What a session token holds before it is sealed: base64 of it with its seal has to fit SIGV4_TOKEN_BYTES_MAX. */
#define IAM_TOKEN_PLAIN_BYTES_MAX 3000
/* Signing keys kept derived, one per access key, date, region and service: each saves four HMACs and an unsealing. */
#define IAM_SIGNING_KEYS_MAX 256
/* How often one signature may mint (protocols 2): an SDK retries a handful of times, and dates have one-second
 * resolution, so that a quick client repeats itself. */
#define IAM_SIGNATURE_USES_MAX 64
/* Signatures remembered until they expire: over 15 minutes some 290 new ones a second for each quarter million. 1 M of
 * them are 40 MiB, and past that calls are refused rather than uncounted. */
#define IAM_SIGNATURES_MAX (1 << 20)
/* Recorded outcomes of calls that set a value, and the size of one. */
#define IAM_OUTCOMES_MAX 4096
#define IAM_OUTCOME_BYTES_MAX 8192
/* A line of an aws-chunked body: a chunk's head is at most 101 bytes, a trailer's line a name and a checksum in base64.
 */
#define AWS_CHUNKED_LINE_BYTES_MAX 512
/* Trailers of one body. Clients send one checksum; S3 knows ten kinds of them. */
#define AWS_CHUNKED_TRAILERS_MAX 8
#define AWS_CHUNKED_TRAILER_NAME_BYTES_MAX 64
/* A signed chunk is at least this long unless it is the last with data (S3's own rule): signing smaller ones would cost
 * more than the data. */
#define AWS_CHUNKED_CHUNK_BYTES_MIN 8192

/* One XML body. CompleteMultipartUpload with 10,000 parts and a checksum each is 3 MiB, DeleteObjects with 1,000 keys
 * at most 6 MiB if every character is escaped, 1.2 MiB if none is. */
#define XML_BYTES_MAX (4 << 20)
/* Elements: 10,000 parts with ETag, PartNumber and five checksums. */
#define XML_ELEMENTS_MAX 80000
/* Nesting, read and written. IAM's and S3's deepest answers reach 8. */
#define XML_DEPTH_MAX 16
/* The longest name in the S3 API has 38 characters. */
#define XML_NAME_BYTES_MAX 128
/* A namespace is a short URL: IAM's has 43 characters. */
#define XML_NAMESPACE_BYTES_MAX 256

/* A configuration or a job file: people write 10 KiB. */
#define YAML_BYTES_MAX (256 << 10)
#define YAML_VALUES_MAX 10000
#define YAML_DEPTH_MAX 32
/* The names that lead to one value, with dots between them. */
#define YAML_PATH_BYTES_MAX 1024

/* --- daemon/keys ------------------------------------------------------------------------------------------------ */

/* Records on their way to ledger. At a few KiB each some 10 MiB; the last eighth is for the operator's own, so that a
 * flood from an account cannot stop administration. */
#define KEYS_OUTBOX_RECORDS_MAX 4096
/* Bytes of records in one APPEND: a quarter of what a message may carry. */
#define KEYS_APPEND_BYTES_MAX (2 * 1024 * 1024)
/* Who waits for a record: front's workers make one call at a time, and each entry of gathered reads waits once. */
#define KEYS_WAITERS_MAX 4096
/* Reads that are gathered until the second ends, one entry per caller, bucket and operation. */
#define KEYS_READS_MAX 1024
/* Of these, how many may be of requests that prove nothing; what is over it is one entry for all sources, so that a
 * flood cannot stop reads. */
#define KEYS_REFUSALS_MAX 128
/* Version ids that the record of gathered reads names. */
#define KEYS_READ_VERSIONS_MAX 8
/* Bodies with signed chunks in flight: front's workers hold one each. */
#define KEYS_CHAINS_MAX 128
/* Buckets of one account; AWS's default was 100. */
#define KEYS_BUCKETS_PER_ACCOUNT_MAX 1000
/* A bucket's policy: S3's own limit. */
#define KEYS_BUCKET_POLICY_BYTES_MAX 20480
/* Accounts whose hourly key this link has; as many as there can be accounts, and "operator". */
#define KEYS_ANNOUNCED_MAX (IAM_ACCOUNTS_MAX + 1)
