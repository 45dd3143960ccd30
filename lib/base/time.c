/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int64_t
mv_time_now(void)
{
	return (int64_t)time(NULL);
}

double
mv_time_monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Times come from strangers too: what no calendar holds is shown as it is. */
static void
print_time(int64_t t, const struct tm *tm, char between, const char *after,
    char out[MV_TIME_TEXT])
{
	if (tm == NULL || tm->tm_year < -1900 || tm->tm_year > 9999 - 1900)
		(void)snprintf(out, MV_TIME_TEXT, "@%" PRId64, t);
	else
		(void)snprintf(out, MV_TIME_TEXT,
		    "%04u-%02u-%02u%c%02u:%02u:%02u%s",
		    (unsigned)(tm->tm_year + 1900) % 10000,
		    (unsigned)(tm->tm_mon + 1) % 100,
		    (unsigned)tm->tm_mday % 100, between,
		    (unsigned)tm->tm_hour % 100, (unsigned)tm->tm_min % 100,
		    (unsigned)tm->tm_sec % 100, after);
}

void
mv_time_utc(int64_t t, char out[MV_TIME_TEXT])
{
	time_t tt = (time_t)t;
	struct tm tm;

	print_time(t, gmtime_r(&tt, &tm), 'T', "Z", out);
}

void
mv_time_local(int64_t t, char out[MV_TIME_TEXT])
{
	time_t tt = (time_t)t;
	struct tm tm;

	print_time(t, localtime_r(&tt, &tm), ' ', "", out);
}

/* Exactly n digits at *p, which moves on. */
static int
take_number(const char **p, int n, int *out)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return 0;
}

static int
take_char(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static int
take_date(const char **p, struct tm *tm)
{
	int year, month, day;

	if (take_number(p, 4, &year) < 0 || take_char(p, '-') < 0 ||
	    take_number(p, 2, &month) < 0 || take_char(p, '-') < 0 ||
	    take_number(p, 2, &day) < 0)
		return -1;
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month))
		return -1;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return 0;
}

static int
take_clock(const char **p, struct tm *tm)
{
	tm->tm_sec = 0;
	if (take_number(p, 2, &tm->tm_hour) < 0 || take_char(p, ':') < 0 ||
	    take_number(p, 2, &tm->tm_min) < 0)
		return -1;
	if (**p == ':') {
		(*p)++;
		if (take_number(p, 2, &tm->tm_sec) < 0)
			return -1;
	}
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return -1;
	return 0;
}

int
mv_time_parse(const char *text, int64_t *out, struct mv_err *err)
{
	struct tm tm = { .tm_hour = 23, .tm_min = 59, .tm_sec = 59,
	    .tm_isdst = -1 };
	const char *p = text;
	int bad, utc;

	bad = take_date(&p, &tm) < 0;
	if (!bad && (*p == ' ' || *p == 'T')) {
		p++;
		bad = take_clock(&p, &tm) < 0;
	}
	utc = !bad && *p == 'Z';
	if (utc)
		p++;
	if (bad || *p != '\0')
		return mv_err_set(err, MV_EUSAGE, "'%s' is no date or time "
		    "such as '2026-11-23 14:30'", text);
	*out = utc ? (int64_t)timegm(&tm) : (int64_t)mktime(&tm);
	return 0;
}
