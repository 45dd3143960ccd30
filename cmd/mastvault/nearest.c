/* SPDX-License-Identifier: MIT */
#include "mastvault/nearest.h"

#include <string.h>

/* Longer words are typed by no one. */
#define WORD_MAX 32

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Insertions, deletions, changes and swaps of neighbours that make a into b. */
static unsigned
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t i, j;

	for (i = 0; i <= alen; i++)
		d[i][0] = (unsigned)i;
	for (j = 0; j <= blen; j++)
		d[0][j] = (unsigned)j;
	for (i = 1; i <= alen; i++) {
		for (j = 1; j <= blen; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[alen][blen];
}

void
mv_nearest_try(struct mv_nearest *near, const char *candidate)
{
	size_t wlen = strlen(near->word), clen = strlen(candidate);
	unsigned n;

	if (wlen == 0 || wlen > WORD_MAX || clen > WORD_MAX)
		return;
	/* A beginning ("snap") is as good as one slip of a finger. */
	if (wlen >= 3 && wlen < clen && memcmp(near->word, candidate, wlen) == 0)
		n = 1;
	else
		n = distance(near->word, wlen, candidate, clen);
	/* A third of a word may be wrong, and one letter of a short one. */
	if (n > (clen < 6 ? 1 + clen / 4 : clen / 3))
		return;
	if (near->best == NULL || n < near->distance) {
		near->best = candidate;
		near->distance = n;
	}
}
