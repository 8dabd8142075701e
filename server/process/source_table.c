/* SPDX-License-Identifier: MIT */

/* Remembers for a minute which addresses open connections and say nothing, or nonsense, and has one line in the log for
 * all that one of them does in that time; of lines about clients it has a bounded number. */

#include "server/process/source_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util/log.h"

bool vps_source_of(struct vps_source *source, int fd)
{
   union {
      struct sockaddr any;
      struct sockaddr_in v4;
      struct sockaddr_in6 v6;
   } peer;
   socklen_t size = sizeof(peer);

   memset(&peer, 0, sizeof(peer));
   if (getpeername(fd, &peer.any, &size) != 0 || (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
      return false;
   const bool v4 = peer.any.sa_family == AF_INET, mapped = !v4 && IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr);
   *source = (struct vps_source){.size = v4 || mapped ? 4 : 8};
   if (v4)
      memcpy(source->bytes, &peer.v4.sin_addr, source->size);
   else
      memcpy(source->bytes, &peer.v6.sin6_addr.s6_addr[mapped ? 12 : 0], source->size);
   return true;
}

bool vps_source_equal(const struct vps_source *a, const struct vps_source *b)
{
   return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

void vps_source_format(const struct vps_source *source, char out[VPS_SOURCE_TEXT_SIZE])
{
   uint8_t address[16] = {0};
   char text[INET6_ADDRSTRLEN] = "";

   memcpy(address, source->bytes, source->size);
   inet_ntop(source->size == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
   snprintf(out, VPS_SOURCE_TEXT_SIZE, source->size == 4 ? "%s" : "%s/64", text);
}

/* VPS_SOURCE_RECORDS: it has none. */
static unsigned find_record(const struct vps_source_table *table, const struct vps_source *source)
{
   unsigned i = 0;

   while (i < VPS_SOURCE_RECORDS && !(table->records[i].used_ms && vps_source_equal(&table->records[i].source, source)))
      i++;
   return i;
}

static bool has_report(const struct vps_source_record *record)
{
   return record->closed > 0 || record->untold > 0;
}

static void count(struct vps_source_record *record, unsigned closed, unsigned untold, int64_t now_ms)
{
   if (!has_report(record))
      record->report_ms = now_ms + VPS_SOURCE_REPORT_MS;
   record->closed += closed;
   record->untold += untold;
}

/* The one of this source, which may become that of another one for it. */
static struct vps_source_record *use_record(struct vps_source_table *table, const struct vps_source *source,
                                            int64_t now_ms)
{
   const unsigned known = find_record(table, source);
   struct vps_source_record *record = &table->records[known < VPS_SOURCE_RECORDS ? known : 0];

   if (known == VPS_SOURCE_RECORDS) {
      for (unsigned i = 1; i < VPS_SOURCE_RECORDS; i++) {
         if (table->records[i].used_ms < record->used_ms)
            record = &table->records[i];
      }
      if (has_report(record))
         count(&table->others, record->closed, record->untold, now_ms);
      *record = (struct vps_source_record){.source = *source};
   }
   record->used_ms = now_ms;
   return record;
}

unsigned vps_source_table_share(const struct vps_source_table *table, const struct vps_source *source, int64_t now_ms)
{
   const unsigned known = find_record(table, source);
   unsigned share = VPS_SOURCE_SHARE;

   for (unsigned i = 0; known < VPS_SOURCE_RECORDS && i < VPS_SOURCE_SHARE - 1; i++)
      share -= table->records[known].forgiven_ms[i] > now_ms;
   return share;
}

void vps_source_table_fail(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms)
{
   struct vps_source_record *record = use_record(table, source, now_ms);
   unsigned oldest = 0;

   for (unsigned i = 1; i < VPS_SOURCE_SHARE - 1; i++) {
      if (record->forgiven_ms[i] < record->forgiven_ms[oldest])
         oldest = i;
   }
   record->forgiven_ms[oldest] = now_ms + VPS_SOURCE_MEMORY_MS;
}

void vps_source_table_succeed(struct vps_source_table *table, const struct vps_source *source)
{
   const unsigned known = find_record(table, source);

   if (known < VPS_SOURCE_RECORDS)
      memset(table->records[known].forgiven_ms, 0, sizeof(table->records[known].forgiven_ms));
}

void vps_source_table_count(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms)
{
   count(use_record(table, source, now_ms), 1, 0, now_ms);
}

bool vps_source_table_may_explain(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms)
{
   struct vps_source_record *record = use_record(table, source, now_ms);

   if (record->explained >= VPS_SOURCE_REFUSAL_LINES)
      return false;
   record->explained++;
   return true;
}

bool vps_source_table_may_tell(struct vps_source_table *table, const struct vps_source *source, int64_t now_ms)
{
   struct vps_source_record *record = use_record(table, source, now_ms);

   if (now_ms >= record->lines_end_ms) {
      record->lines = 0;
      record->lines_end_ms = now_ms + VPS_SOURCE_REPORT_MS;
   }
   const bool may = record->lines < VPS_SOURCE_LINES;
   if (may)
      record->lines++;
   else
      count(record, 0, 1, now_ms);
   return may;
}

int64_t vps_source_table_due(const struct vps_source_table *table)
{
   int64_t due = has_report(&table->others) ? table->others.report_ms : INT64_MAX;

   for (unsigned i = 0; i < VPS_SOURCE_RECORDS; i++) {
      if (has_report(&table->records[i]) && table->records[i].report_ms < due)
         due = table->records[i].report_ms;
   }
   return due;
}

static void report_record(struct vps_source_record *record, const char *who, int64_t now_ms)
{
   if (!has_report(record) || now_ms < record->report_ms)
      return;
   if (record->closed > 0)
      vp_log(VP_LOG_WARN, "%s: %u connection%s without a greeting %s closed in the last minute", who, record->closed,
             record->closed == 1 ? "" : "s", record->closed == 1 ? "was" : "were");
   if (record->untold > 0)
      vp_log(VP_LOG_WARN, "%s: %u more line%s left out here in the last minute", who, record->untold,
             record->untold == 1 ? " was" : "s were");
   record->closed = record->untold = record->explained = 0;
}

void vps_source_table_report(struct vps_source_table *table, int64_t now_ms)
{
   for (unsigned i = 0; i < VPS_SOURCE_RECORDS; i++) {
      struct vps_source_record *record = &table->records[i];
      char text[VPS_SOURCE_TEXT_SIZE], who[VPS_SOURCE_TEXT_SIZE + 8];
      vps_source_format(&record->source, text);
      snprintf(who, sizeof(who), "client %s", text);
      report_record(record, who, now_ms);
   }
   report_record(&table->others, "clients of other addresses", now_ms);
}
