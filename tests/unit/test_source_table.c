/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/source_table.h"
#include "tests/unit/check.h"

/* How sources are remembered, and for how long; what the log says of them. */

#define START 1000

static struct vps_source v4(unsigned number)
{
   return (struct vps_source){.size = 4, .bytes = {10, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

/* What is logged meanwhile, which is taken from standard error. */
static const char *report(struct vps_source_table *table, int64_t now_ms)
{
   static char text[16384];
   FILE *file = tmpfile();
   const int saved = dup(STDERR_FILENO);

   dup2(fileno(file), STDERR_FILENO);
   vps_source_table_report(table, now_ms);
   dup2(saved, STDERR_FILENO);
   close(saved);
   rewind(file);
   text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
   fclose(file);
   return text;
}

static void test_names(void)
{
   const struct vps_source network = {.size = 8, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0xff, 0xff}};
   const struct vps_source one = v4(1), two = v4(2);
   char text[VPS_SOURCE_TEXT_SIZE];

   vps_source_format(&one, text);
   CHECK(strcmp(text, "10.0.0.1") == 0);
   vps_source_format(&network, text);
   CHECK(strcmp(text, "2001:db8:1:ffff::/64") == 0);
   CHECK(vps_source_equal(&one, &one) && !vps_source_equal(&one, &two) && !vps_source_equal(&one, &network));
}

static void test_share(void)
{
   static struct vps_source_table table;
   const struct vps_source bad = v4(1), good = v4(2);

   CHECK(vps_source_table_share(&table, &bad, START) == VPS_SOURCE_SHARE);
   for (unsigned i = 1; i <= 30; i++) {
      vps_source_table_fail(&table, &bad, START + i);
      CHECK(vps_source_table_share(&table, &bad, START + i) == (i < 9 ? VPS_SOURCE_SHARE - i : 1));
   }
   CHECK(vps_source_table_share(&table, &good, START) == VPS_SOURCE_SHARE);
   /* The last nine are remembered, each for its minute. */
   CHECK(vps_source_table_share(&table, &bad, START + 21 + VPS_SOURCE_MEMORY_MS) == 1);
   CHECK(vps_source_table_share(&table, &bad, START + 22 + VPS_SOURCE_MEMORY_MS) == 2);
   CHECK(vps_source_table_share(&table, &bad, START + 30 + VPS_SOURCE_MEMORY_MS) == VPS_SOURCE_SHARE);
   vps_source_table_fail(&table, &bad, START + 100);
   vps_source_table_succeed(&table, &bad);
   vps_source_table_succeed(&table, &good);
   CHECK(vps_source_table_share(&table, &bad, START + 101) == VPS_SOURCE_SHARE);
}

static void test_report(void)
{
   static struct vps_source_table table;
   const struct vps_source one = v4(1), two = v4(2);

   CHECK(vps_source_table_due(&table) == INT64_MAX);
   CHECK(!*report(&table, INT64_MAX));
   for (unsigned i = 0; i < 97; i++)
      vps_source_table_count(&table, &one, START + i);
   vps_source_table_count(&table, &two, START + 500);
   CHECK(vps_source_table_due(&table) == START + VPS_SOURCE_REPORT_MS);
   CHECK(!*report(&table, START + VPS_SOURCE_REPORT_MS - 1));
   const char *said = report(&table, START + VPS_SOURCE_REPORT_MS);
   CHECK(strstr(said, "client 10.0.0.1: 97 connections without a greeting were closed in the last minute\n"));
   CHECK(!strstr(said, "10.0.0.2"));
   CHECK(vps_source_table_due(&table) == START + 500 + VPS_SOURCE_REPORT_MS);
   CHECK(strstr(report(&table, INT64_MAX), "client 10.0.0.2: 1 connection without a greeting was closed"));
   CHECK(vps_source_table_due(&table) == INT64_MAX);
}

/* More than there is room for: the newest are known, and nothing is left out of the log. */
static void test_many(void)
{
   static struct vps_source_table table;
   const unsigned count = VPS_SOURCE_RECORDS + 36;
   struct vps_source source;

   for (unsigned i = 0; i < count; i++) {
      source = v4(i);
      vps_source_table_fail(&table, &source, START + i);
      vps_source_table_count(&table, &source, START + i);
   }
   source = v4(35);
   CHECK(vps_source_table_share(&table, &source, START + count) == VPS_SOURCE_SHARE);
   source = v4(36);
   CHECK(vps_source_table_share(&table, &source, START + count) == VPS_SOURCE_SHARE - 1);
   const char *said = report(&table, INT64_MAX);
   CHECK(strstr(said, "clients of other addresses: 36 connections without a greeting were closed"));
   CHECK(strstr(said, "client 10.0.0.99: 1 connection ") && !strstr(said, "client 10.0.0.35:"));
}

/* However many others there were before, a few are explained, and as many after the report. */
static void test_refusals(void)
{
   static struct vps_source_table table;
   const struct vps_source one = v4(1), two = v4(2);

   for (unsigned k = 0; k < 2; k++) {
      for (unsigned i = 0; i < 20; i++)
         vps_source_table_count(&table, &one, START);
      for (unsigned i = 0; i < 2 * VPS_SOURCE_REFUSAL_LINES; i++) {
         vps_source_table_count(&table, &one, START);
         CHECK(vps_source_table_may_explain(&table, &one, START) == (i < VPS_SOURCE_REFUSAL_LINES));
      }
      CHECK(strstr(report(&table, INT64_MAX), "client 10.0.0.1: 30 connections without a greeting"));
   }
   CHECK(vps_source_table_may_explain(&table, &two, START));
}

/* Of one that could fill the log. */
static void test_lines(void)
{
   static struct vps_source_table table;
   const struct vps_source one = v4(1), two = v4(2);

   for (unsigned i = 0; i < VPS_SOURCE_LINES; i++)
      CHECK(vps_source_table_may_tell(&table, &one, START + i));
   CHECK(vps_source_table_due(&table) == INT64_MAX);
   for (unsigned i = 0; i < 3; i++)
      CHECK(!vps_source_table_may_tell(&table, &one, START + 1000));
   CHECK(vps_source_table_may_tell(&table, &two, START + 1000));
   CHECK(vps_source_table_due(&table) == START + 1000 + VPS_SOURCE_REPORT_MS);
   CHECK(vps_source_table_may_tell(&table, &one, START + VPS_SOURCE_REPORT_MS));
   CHECK(strstr(report(&table, START + 1000 + VPS_SOURCE_REPORT_MS),
                "client 10.0.0.1: 3 more lines were left out here in the last minute\n"));
   CHECK(!*report(&table, INT64_MAX));
}

int main(void)
{
   vp_log_init("test", VP_LOG_WARN);
   test_names();
   test_share();
   test_report();
   test_many();
   test_refusals();
   test_lines();
   return check_finish();
}
