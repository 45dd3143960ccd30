/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_CACHE_INTERNAL_H
#define MV_TREE_CACHE_INTERNAL_H

/*
 * The file: "mvcache1", the stream's header, then blocks, each a u32 length
 * and that many sealed bytes; the last one has the stream's final tag.  A
 * block holds a u32 length and a zstd frame of that length once unpacked.  The
 * first block's associated data is the binding.
 *
 * A record: u64 ino, i64 ctime, u32 its nanoseconds, u8 fresh, u32
 * length and the manifest record, and the chunk ids.  Records may span
 * blocks.  Device numbers change from one boot to the next and are left out.
 */
#define CACHE_MAGIC "mvcache1"
#define CACHE_MAGIC_BYTES 8
#define CACHE_BLOCK ((size_t)256 << 10)
#define CACHE_FIXED (8 + 8 + 4 + 1 + 4)
/* What zstd and the seal may add to a block: it never grows by more. */
#define CACHE_SEALED_MAX (CACHE_BLOCK + CACHE_BLOCK / 128 + 1024)

#endif
