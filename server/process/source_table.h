/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SOURCE_TABLE_H
#define VP_SERVER_PROCESS_SOURCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where connections come from: an IPv4 address, or the /64 network of an IPv6 one, of which one machine may have all
 * addresses. */
struct vps_source {
   uint8_t size; /* 4 or 8 */
   uint8_t bytes[8];
};

/* Longest text of one, NUL included: "2001:db8:0:1::/64". */
#define VPS_SOURCE_TEXT_SIZE 48

/* Of the peer of a TCP connection. False: it has none, or none any more. */
bool vps_source_of(struct vps_source *source, int fd);

bool vps_source_equal(const struct vps_source *a, const struct vps_source *b);
void vps_source_format(const struct vps_source *source, char out[VPS_SOURCE_TEXT_SIZE]);

/* How many connections a source may have that have not said their greeting. Each failure takes one for as long as it is
 * remembered, but for the last. */
#define VPS_SOURCE_SHARE 10u
#define VPS_SOURCE_MEMORY_MS 60000

/* A source is reported in the log once in this time at most, and has so many other lines in it: about clients that are
 * in, and about those that are refused between two of its reports. */
#define VPS_SOURCE_REPORT_MS 60000
#define VPS_SOURCE_LINES 600u
#define VPS_SOURCE_REFUSAL_LINES 5u

#define VPS_SOURCE_RECORDS 64

struct vps_source_record {
   struct vps_source source;
   int64_t used_ms;                            /* 0: a free one */
   int64_t forgiven_ms[VPS_SOURCE_SHARE - 1u]; /* when failures are no longer remembered */
   unsigned closed, untold;                    /* connections, and lines for the log, since the last report */
   unsigned explained;                         /* of the former */
   int64_t report_ms;                          /* with some: when they are reported */
   unsigned lines;                             /* that were told in the current stretch of time */
   int64_t lines_end_ms;                       /* which is over then */
};

/* How sources have behaved lately. Of more sources than there is room for, those are known that did something last. All
 * zero: knows nobody. Times are those of vp_clock_ms(). */
struct vps_source_table {
   struct vps_source_record records[VPS_SOURCE_RECORDS];
   struct vps_source_record others; /* the reports of sources that had to make room */
};

unsigned vps_source_table_share(const struct vps_source_table *table, const struct vps_source *source, int64_t now_ms);

/* It sent no greeting in time, or something else. */
void vps_source_table_fail(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms);

/* It sent one: what it did before is forgotten. */
void vps_source_table_succeed(struct vps_source_table *table, const struct vps_source *source);

/* A connection without a greeting was closed, which is to be reported. */
void vps_source_table_count(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms);

/* Whether the log is to say why one of those was refused. */
bool vps_source_table_may_explain(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms);

/* Whether the log is to have a line about a client of this source, whose connections may be many. */
bool vps_source_table_may_tell(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms);

/* When vps_source_table_report has something to say; INT64_MAX: never, as it is. */
int64_t vps_source_table_due(const struct vps_source_table *table);

/* A line in the log for each source whose time has come; INT64_MAX: for all. */
void vps_source_table_report(struct vps_source_table *table, int64_t now_ms);

#endif
