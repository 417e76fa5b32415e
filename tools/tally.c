// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts by key in one pass, in bounded memory.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tally.h"

/* A power of two, so that a mask finds the slot; half of them stay free. */
#define SLOTS	(2 * TALLY_MAX)

/**
 * tally_init() - make an empty tally
 * @tally: anything before
 *
 * The seed keeps those who choose the keys (remote addresses, names of
 * processes) from choosing ones that all fall into one slot.
 *
 * Return: false without memory; tally_free() is right either way.
 */
bool tally_init(struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	/* Without a seed the counts are as right, only slower at worst. */
	if (getrandom(&tally->seed, sizeof(tally->seed), GRND_NONBLOCK) < 0)
		tally->seed = 2166136261u;
	tally->slots = calloc(SLOTS, sizeof(*tally->slots));
	tally->rows = calloc(TALLY_MAX, sizeof(*tally->rows));
	return tally->slots && tally->rows;
}

void tally_free(struct tally *tally)
{
	free(tally->slots);
	free(tally->rows);
	free(tally->keys);
	memset(tally, 0, sizeof(*tally));
}

/* FNV-1a from a seed, with murmur3's last mix for the low bits. */
static uint32_t hash_of(uint32_t hash, const unsigned char *key, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ key[i]) * 16777619u;
	hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
	hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
	return hash ^ (hash >> 16);
}

static bool keep_key(struct tally *tally, const void *key, size_t len)
{
	if (tally->keys_room - tally->keys_used < len + 1) {
		size_t room = 2 * tally->keys_room + len + 4096;
		char *keys = realloc(tally->keys, room);

		if (!keys)
			return false;
		tally->keys = keys;
		tally->keys_room = room;
	}
	memcpy(tally->keys + tally->keys_used, key, len);
	tally->keys[tally->keys_used + len] = '\0';
	tally->keys_used += len + 1;
	return true;
}

/**
 * tally_add() - count a key
 * @tally: where
 * @key: bytes
 * @len: how many
 *
 * Return: its row, with n of 1 if it is new; NULL if there is no room for
 * another key, which tally->missed then counts.
 */
struct tally_row *tally_add(struct tally *tally, const void *key, size_t len)
{
	uint32_t hash = hash_of(tally->seed, key, len);
	struct tally_row *row;
	size_t slot;

	for (slot = hash % SLOTS; tally->slots[slot]; slot = (slot + 1) % SLOTS) {
		row = &tally->rows[tally->slots[slot] - 1];
		if (row->hash == hash && row->key_len == len &&
		    !memcmp(tally->keys + row->key_at, key, len)) {
			row->n++;
			return row;
		}
	}
	if (tally->used == TALLY_MAX || !keep_key(tally, key, len)) {
		tally->missed++;
		return NULL;
	}
	row = &tally->rows[tally->used++];
	tally->slots[slot] = (uint32_t)tally->used;
	row->n = 1;
	row->hash = hash;
	row->key_len = (uint32_t)len;
	row->key_at = tally->keys_used - len - 1;
	return row;
}

const char *tally_key(const struct tally *tally, const struct tally_row *row)
{
	return tally->keys + row->key_at;
}

/* More first; the same count by key, so that two runs print the same. */
static bool goes_before(const struct tally *tally, const struct tally_row *a,
			const struct tally_row *b)
{
	if (a->n != b->n)
		return a->n > b->n;
	return strcmp(tally_key(tally, a), tally_key(tally, b)) < 0;
}

/**
 * tally_top() - the keys that came most often
 * @tally: the counts
 * @top: room for @want rows
 * @want: how many at most, a few
 *
 * Return: how many there are in @top.
 */
size_t tally_top(const struct tally *tally, const struct tally_row **top,
		 size_t want)
{
	size_t i, have = 0;

	for (i = 0; i < tally->used; i++) {
		const struct tally_row *row = &tally->rows[i];
		size_t at = have;

		while (at > 0 && goes_before(tally, row, top[at - 1])) {
			if (at < want)
				top[at] = top[at - 1];
			at--;
		}
		if (at < want)
			top[at] = row;
		if (have < want)
			have++;
	}
	return have;
}
