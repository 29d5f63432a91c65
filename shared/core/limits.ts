// Every bound of the protocol, in one place (DESIGN §9); each is checked before memory is taken for what it bounds.

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Bytes of one signed entry. */
export const ENTRY_BYTES_MAX = 256 * KIB;
/** Operations in one entry. */
export const ENTRY_OPERATIONS_MAX = 1_024;
/** Bytes of one frame on a link. */
export const FRAME_BYTES_MAX = 64 * KIB;
/** Bytes of one message, reassembled from frames. */
export const MESSAGE_BYTES_MAX = MIB;
/** Bytes of one leaf of a file: larger files get a UnixFS node above their leaves. */
export const BLOB_LEAF_BYTES = 256 * KIB;
/** Links of one UnixFS node (the balanced layout IPFS tools make by default). */
export const UNIXFS_LINKS_MAX = 1_024;
/** Bytes of one dag-pb node: IPFS tools split a directory whose names and links have 256 KiB, which in a node are at most 354. */
export const DAG_NODE_BYTES_MAX: number = 384 * KIB;
/** Levels of a graph of blocks that is walked: folders of a path of 1,024 bytes, shards and files below them. */
export const TREE_WALK_DEPTH_MAX = 600;
/** Blocks of one walk, each counted once more for every level it is below the root: a full site of 20,000 files in 20,000 folders, 10 deep. */
export const TREE_STEPS_MAX = 500_000;
/** Nesting of canonical bytes. */
export const CBOR_DEPTH_MAX = 64;
/** Items of canonical bytes: a byte can be an item, and an item takes eight bytes and more in memory. A full manifest has 180,000. */
export const CBOR_ITEMS_MAX: number = 256 * KIB;
/** Lists and maps of canonical bytes: an empty map is one byte, and a hundred in memory. A full manifest has 20,000. */
export const CBOR_CONTAINERS_MAX: number = 64 * KIB;
/** Entries of one feed in one block. */
export const BLOCK_FEED_ENTRIES_MAX = 64;
/** Bytes of one feed's entries in one block. */
export const BLOCK_FEED_BYTES_MAX = MIB;
/** Feeds in one block's cut. */
export const BLOCK_FEEDS_MAX = 1_024;
/** Bytes of one block header. */
export const HEADER_BYTES_MAX = 256 * KIB;
/** Bytes of one message between validators: a header and a certificate, or an answer of entries. */
export const CONSENSUS_BYTES_MAX: number = 832 * KIB;
/** Headers that lead from a block to the finalized one above it: leaders let no more than a few blocks with entries stand unfinal. */
export const AFTER_HEADERS_MAX = 64;
/** Bytes of those headers together. */
export const AFTER_BYTES_MAX: number = 512 * KIB;
/** Bytes of all entries of one block. */
export const BLOCK_BYTES_MAX = 8 * MIB;
/** Changes of validators between a pin and now: what a resolution can hold of them is less. */
export const SEALS_MAX = 1_024;
/** Validators of one set. */
export const VALIDATORS_MAX = 100;
/** 100 keys of 34 bytes each and the frame around them. */
export const VALIDATOR_SET_BYTES_MAX = 4_096;
/** Bytes of one certificate: 100 signatures, a bitmap and the header fields. */
export const CERTIFICATE_BYTES_MAX = 16 * KIB;
/** Bytes of a certified block as it travels: header, those after it, certificate and entries, and what frames up to 16,384 of those. */
export const CERTIFIED_BLOCK_BYTES_MAX: number =
  BLOCK_BYTES_MAX + HEADER_BYTES_MAX + AFTER_BYTES_MAX + CERTIFICATE_BYTES_MAX + 128 * KIB;
/** Bytes of one value in state. */
export const STATE_VALUE_BYTES_MAX = 16 * KIB;
/** Bytes of one key in state. */
export const STATE_KEY_BYTES_MAX = 256;
/** Bytes of one inclusion or absence proof: 256 levels and a leaf. */
export const PROOF_BYTES_MAX = 12 * KIB;
/** Bytes of one resolution: header, certificate, seals, values and proofs. */
export const RESOLUTION_BYTES_MAX = MIB;
/** Bytes of a genesis. */
export const GENESIS_BYTES_MAX = 64 * KIB;
/** How far a claimed time may be ahead of block time. */
export const CLOCK_DRIFT_MAX: number = 5 * MINUTE;
/** Least milliseconds between two blocks of any group: faster would starve phones. */
export const BLOCK_INTERVAL_MIN = 250;
/** A day: slower would be a group that cannot order. */
export const BLOCK_INTERVAL_MAX: number = DAY;
/** Leading zero bits of a puzzle: more than any device finds in a lifetime, so a group that nobody joins this way. */
export const PUZZLE_BITS_MAX = 64;
/** Least time between two blocks of the commons. */
export const COMMONS_BLOCK_INTERVAL_MIN = 1_000;
/** Recent blocks a puzzle may name. */
export const RECENT_BLOCKS = 16;
/** How long a handle is leased. */
export const HANDLE_LEASE: number = 365 * DAY;
/** Handles one identity may own. */
export const HANDLES_PER_IDENTITY_MAX = 3;
/** Open feeds of one identity in one group. */
export const OPEN_FEEDS_MAX = 16;
/** Thousandths of a token: 20 million of each asset, whatever a group's policy says. */
export const TOKEN_SUPPLY_MAX = 20_000_000_000n;
/** The largest amount that can be written. */
export const AMOUNT_MAX: bigint = 2n ** 63n - 1n;
/** Largest fee on transfers, in hundredths of a percent: half. */
export const TRANSFER_FEE_BPS_MAX = 5_000;
/** Bytes of what a sender writes to a transfer. */
export const MEMO_BYTES_MAX = 256;
/** Heads of one document in state: a change names at most 64 dependencies, and beside these there may be pending ones. */
export const DOCUMENT_HEADS_MAX = 48;
/** Of one author: a phone, a laptop and two more that were offline; a member who branches on purpose takes no more of the room than that. */
export const DOCUMENT_HEADS_PER_AUTHOR_MAX = 4;
/** Files of one site. */
export const SITE_FILES_MAX = 20_000;
/** Bytes of one manifest: one block, streamed in frames. */
export const MANIFEST_BYTES_MAX = 4 * MIB;
/** Bytes of one path in a manifest. */
export const SITE_PATH_BYTES_MAX = 1_024;
/** A site up to this size is taken whole, so that it works offline. */
export const SITE_OFFLINE_BYTES_MAX = 50 * MIB;
/** What a headless node pins of one site. */
export const PIN_SITE_BYTES_MAX = 200 * MIB;
/** What a headless node pins in all. */
export const PIN_TOTAL_BYTES_MAX: number = 10 * 1024 * MIB;
/** Largest single file: 1024 links of 1024 leaves would be more; this keeps lengths in one range. */
export const FILE_BYTES_MAX: number = 4 * 1024 * MIB;
/** CIDs in one want. */
export const WANT_CIDS_MAX = 256;
/** Control requests a peer may make in a minute. */
export const CONTROL_REQUESTS_PER_MINUTE = 100;
/** The same for a room's own gateway, which asks for all its visitors: else a hundred addresses tried by one of them a minute would be the end for all. */
export const GATEWAY_REQUESTS_PER_MINUTE = 6_000;
/** Characters of a passphrase, by every page and engine: with the slow key derivation behind it, this much is beyond guessing for most thieves of a disk. */
export const PASSPHRASE_CHARS_MIN = 10;
/** A passphrase is typed, not pasted by the megabyte. */
export const PASSPHRASE_CHARS_MAX = 1_000;
/** Handshakes that a peer may begin in a minute: each costs the other side three key agreements. */
export const HANDSHAKES_PER_MINUTE = 60;
/** Entries that a peer may submit in a minute, and their bytes: some hundred that waited while it was offline, and a few of the largest size. */
export const SUBMITTED_ENTRIES_PER_MINUTE = 600;
export const SUBMITTED_BYTES_PER_MINUTE: number = 16 * MIB;
/** How long `have` signals live at a relay. */
export const HAVE_TTL: number = 15 * MINUTE;
/** How often a seeder repeats its `have`. */
export const HAVE_INTERVAL: number = 5 * MINUTE;
/** A call that needs the network gives up waiting (not working) after this. */
export const NETWORK_WAIT = 30_000;
/** Bytes of one change of a document: half an entry, so that two of the largest fit with what frames them. */
export const CHANGE_BYTES_MAX: number = 128 * KIB;
/** Operations of one change, and of all changes of an entry: a pasted page; two million would take Automerge four seconds. */
export const CHANGE_OPERATIONS_MAX = 20_000;
/** Dependencies of one change: as many concurrent heads as a busy group leaves between two edits. */
export const CHANGE_DEPS_MAX = 64;
/** How far a change may count past its dependencies: what others typed meanwhile. With DOCUMENT_BYTES_MAX no counter reaches 31 bits. */
export const CHANGE_GAP_MAX = 4_096;
/** Bytes of all changes of one document. */
export const DOCUMENT_BYTES_MAX: number = 32 * MIB;
/** Objects in objects of a document: as deep as canonical bytes may be. */
export const DOCUMENT_DEPTH_MAX = 64;
/** Changes of one document that wait for what they rest on; an honest group has a few, a flood of orphans is cut here. */
export const HELD_CHANGES_MAX = 1_024;
/** Bytes of a JSON-RPC request: the largest entry in hex, and what frames it. */
export const RPC_REQUEST_BYTES_MAX: number = MIB;
/** Calls in one batch of JSON-RPC. */
export const RPC_BATCH_MAX = 32;
/** Calls of JSON-RPC a minute, those of a batch counted one by one: a script in a loop, and not a flood of signatures to check. */
export const RPC_CALLS_PER_MINUTE = 1_000;
/** Requests a minute that show no token, or a wrong one. */
export const RPC_REFUSALS_PER_MINUTE = 60;
/** Bytes of state in one part of a snapshot: one message takes it, and a slow link a fifth of a second. */
export const SNAPSHOT_PART_BYTES: number = 256 * KIB;
/** Parts of one state: half a GiB, which is more than a tab can hold. */
export const SNAPSHOT_PARTS_MAX = 4_096;
/** Blocks that a newcomer takes one by one rather than ask for a snapshot. */
export const SNAPSHOT_BLOCKS_MIN = 64;
/** Changes of one document that a snapshot holds, also those that documents leave out. */
export const SNAPSHOT_CHANGES_MAX: number = 1_024 * KIB;
/** Bytes of all changes of a snapshot: they are in memory until the last of them is checked. */
export const SNAPSHOT_DOCUMENTS_BYTES_MAX: number = 128 * MIB;
/** Blocks with entries of a newcomer that come with a snapshot: whoever has written more than that was here before. */
export const SNAPSHOT_OWN_BLOCKS_MAX = 8;
/** Bytes of blocks and receipts from before its snapshot that a node keeps of one group: years of a busy one, and little of a tab's share. */
export const HISTORY_BYTES_MAX: number = 64 * MIB;
/** Blocks of one answer about older ones. */
export const HISTORY_BLOCKS_MAX = 256;
/** Beyond the first block of it: a second on a slow link. */
export const HISTORY_ANSWER_BYTES: number = MIB;
