/* SPDX-License-Identifier: MIT */
/* SRV records: what is understood, what is refused, and the order of servers. */
#include <stdlib.h>
#include <string.h>

#include "common/net/service.h"
#include "tests/unit/check.h"

/* A message under construction. */
struct answer {
   uint8_t data[2048];
   size_t size;
};

static void put(struct answer *answer, const void *data, size_t size)
{
   memcpy(answer->data + answer->size, data, size);
   answer->size += size;
}

static void put_u16(struct answer *answer, unsigned value)
{
   const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

   put(answer, bytes, 2);
}

/* With dots between labels. */
static void put_name(struct answer *answer, const char *name)
{
   while (*name) {
      const uint8_t length = (uint8_t)strcspn(name, ".");
      put(answer, &length, 1);
      put(answer, name, length);
      name += length + (name[length] == '.');
   }
   put(answer, "", 1);
}

/* One question, whose name is at 12. */
static struct answer begin(unsigned flags, unsigned answers)
{
   struct answer answer = {0};

   put_u16(&answer, 4711);
   put_u16(&answer, flags);
   put_u16(&answer, 1);
   put_u16(&answer, answers);
   put_u16(&answer, 0);
   put_u16(&answer, 0);
   put_name(&answer, "_venus-plus._tcp.example.org");
   put_u16(&answer, 33);
   put_u16(&answer, 1);
   return answer;
}

/* Up to the data, of the name in the question. */
static void put_head(struct answer *answer, unsigned type, unsigned class, unsigned size)
{
   put_u16(answer, 0xc00c);
   put_u16(answer, type);
   put_u16(answer, class);
   put_u16(answer, 0);
   put_u16(answer, 60);
   put_u16(answer, size);
}

static void put_server(struct answer *answer, unsigned priority, unsigned weight, unsigned port, const char *host)
{
   put_head(answer, 33, 1, 6 + (unsigned)strlen(host) + 1 + (*host != '\0'));
   put_u16(answer, priority);
   put_u16(answer, weight);
   put_u16(answer, port);
   put_name(answer, host);
}

/* Of a copy of its exact size, for the address sanitizer. */
static bool parse(struct vp_service *service, const struct answer *answer, size_t size, char error[256])
{
   uint8_t *copy = malloc(size ? size : 1);

   memcpy(copy, answer->data, size);
   error[0] = '\0';
   const bool ok = vp_service_parse(service, copy, size, error, 256);
   CHECK(ok == !error[0]);
   free(copy);
   return ok;
}

static bool is_refused(const struct answer *answer, const char *why)
{
   struct vp_service service;
   char error[256];

   const bool refused = !parse(&service, answer, answer->size, error) && strstr(error, why) && !service.servers;
   if (!refused)
      fprintf(stderr, "  not refused as '%s': '%s'\n", why, error);
   return refused;
}

static void test_good(void)
{
   struct answer answer = begin(0x8180, 4);
   struct vp_service service;
   char error[256];

   put_head(&answer, 5, 1, 2); /* an alias */
   put_u16(&answer, 0xc00c);
   put_server(&answer, 10, 5, 5556, "gpu-1.example.org");
   put_head(&answer, 33, 1, 6 + 4 + 2); /* with a reference, which nobody should use and some do */
   put_u16(&answer, 20);
   put_u16(&answer, 0);
   put_u16(&answer, 77);
   put(&answer, "\3gpu\xc0\x1d", 6); /* to "example.org" */
   put_server(&answer, 0, 65535, 65535, "a_b");
   if (!CHECK(parse(&service, &answer, answer.size, error)))
      return;
   CHECK(service.count == 3);
   CHECK(service.servers[0].priority == 10 && service.servers[0].weight == 5 && service.servers[0].port == 5556);
   CHECK(strcmp(service.servers[0].host, "gpu-1.example.org") == 0);
   CHECK(service.servers[1].port == 77 && strcmp(service.servers[1].host, "gpu.example.org") == 0);
   CHECK(service.servers[2].weight == 65535 && strcmp(service.servers[2].host, "a_b") == 0);
   vp_service_finish(&service);

   /* Whatever is missing at the end. */
   for (size_t size = 0; size < answer.size; size++)
      CHECK(!parse(&service, &answer, size, error));
}

static void test_kinds(void)
{
   struct answer answer = begin(0x8180, 0);

   CHECK(is_refused(&answer, "no SRV record"));
   answer = begin(0x8180, 1);
   put_server(&answer, 0, 0, 0, "");
   CHECK(is_refused(&answer, "no such service"));
   static const unsigned flags[] = {0x0180, 0x8380, 0x8183, 0x9180}; /* a question, cut, an error, another kind */
   for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
      answer = begin(flags[i], 1);
      put_server(&answer, 0, 0, 1, "gpu");
      CHECK(is_refused(&answer, "is none"));
   }
   answer = begin(0x8180, 1);
   put_head(&answer, 33, 3, 11);
   put(&answer, "\0\0\0\0\0\1\3gpu", 11);
   CHECK(is_refused(&answer, "not of the internet"));
   answer = begin(0x8180, 1);
   put_server(&answer, 0, 0, 0, "gpu");
   CHECK(is_refused(&answer, "port 0"));
}

static void test_lengths(void)
{
   struct answer answer = begin(0x8180, 1);
   char longest[300];

   put_head(&answer, 33, 1, 5);
   put(&answer, "\0\0\0\0\1", 5);
   CHECK(is_refused(&answer, "too short"));
   static const unsigned wrong[] = {10, 12}; /* of 11 */
   for (size_t i = 0; i < 2; i++) {
      answer = begin(0x8180, 1);
      put_head(&answer, 33, 1, wrong[i]);
      put(&answer, "\0\0\0\0\0\1\3gpu\0\0", 12);
      CHECK(is_refused(&answer, "another length than its name"));
   }
   answer = begin(0x8180, 1);
   put_head(&answer, 33, 1, 65535);
   put(&answer, "\0\0\0\0\0\1\3gpu", 11);
   CHECK(is_refused(&answer, "is cut off"));
   answer = begin(0x8180, 65535);
   put_server(&answer, 0, 0, 1, "gpu");
   CHECK(is_refused(&answer, "is cut off"));

   memset(longest, 'a', sizeof(longest));
   for (unsigned i = 50; i < sizeof(longest); i += 51)
      longest[i] = '.';
   longest[254] = '\0';
   answer = begin(0x8180, 1);
   put_server(&answer, 0, 0, 1, longest);
   CHECK(is_refused(&answer, "too long"));
   longest[253] = '\0';
   answer = begin(0x8180, 1);
   put_server(&answer, 0, 0, 1, longest);
   struct vp_service service;
   char error[256];
   CHECK(parse(&service, &answer, answer.size, error) && strcmp(service.servers[0].host, longest) == 0);
   vp_service_finish(&service);
}

/* References that have no end, lead forwards or out of the message, and bytes that are in no name. */
static void test_names(void)
{
   static const struct {
      const char *name;
      unsigned size;
      const char *why;
   } bad[] = {
      {"\xc0\x40", 2, "leads forwards"}, /* to itself, or behind itself */
      {"\xff\xff", 2, "leads forwards"},
      {"\1a\xc0\x42", 4, "leads forwards"},
      {"\x40", 1, "unknown kind"},
      {"\x81"
       "a",
       2, "unknown kind"},
      {"\3a.b\0", 5, "no host has"},
      {"\2a\n\0", 4, "no host has"},
      {"\2a\0\0", 4, "no host has"},
      {"\2\x1b[\0", 4, "no host has"},
   };
   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      struct answer answer = begin(0x8180, 1);
      put_head(&answer, 33, 1, 6 + bad[i].size);
      put(&answer, "\0\0\0\0\0\1", 6);
      put(&answer, bad[i].name, bad[i].size);
      put(&answer, "\0\0", 2);
      CHECK(is_refused(&answer, bad[i].why));
   }
   /* A circle of two, in the question. */
   struct answer answer = {0};
   put_u16(&answer, 1);
   put_u16(&answer, 0x8180);
   put_u16(&answer, 1);
   put_u16(&answer, 1);
   put_u16(&answer, 0);
   put_u16(&answer, 0);
   put(&answer, "\xc0\x0e\xc0\x0c\0\0\0\0\0\0\0\0\0\0", 14);
   CHECK(is_refused(&answer, "leads forwards"));
   answer.data[12] = 0; /* the question is the root; its type is a reference to itself */
   answer.data[13] = 0;
   CHECK(is_refused(&answer, "is cut off") || is_refused(&answer, "leads forwards"));
}

/* --- order --- */

static uint64_t seed;

static uint64_t next_random(uint64_t limit)
{
   seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
   return (seed >> 20) % limit;
}

static struct vp_service make(const struct vp_service_server *servers, unsigned count)
{
   struct vp_service service = {.servers = calloc(count, sizeof(*servers)), .count = count};

   memcpy(service.servers, servers, count * sizeof(*servers));
   return service;
}

static void test_order(void)
{
   static const struct vp_service_server servers[] = {
      {20, 1, 1, "late"}, {10, 0, 2, "never"}, {10, 30, 3, "some"}, {10, 60, 4, "most"}, {65535, 0, 5, "last"},
   };
   unsigned first[6] = {0};

   for (unsigned round = 0; round < 9000; round++) {
      struct vp_service service = make(servers, 5);
      unsigned seen = 0;
      vp_service_order(&service, 5, next_random);
      for (unsigned i = 0; i < 5; i++)
         seen |= 1u << service.servers[i].port;
      if (service.count != 5 || seen != 0x3e || service.servers[3].port != 1 || service.servers[4].port != 5)
         CHECK(!"each of them once, and by priority");
      first[service.servers[0].port]++;
      vp_service_finish(&service);
   }
   CHECK(first[4] > 5600 && first[4] < 6400); /* 6000 */
   CHECK(first[3] > 2700 && first[3] < 3300); /* 3000 */
   CHECK(first[2] < 20 && first[1] == 0 && first[5] == 0);

   /* Without weights all are equal, and only some of them stay. */
   static const struct vp_service_server equal[] = {{0, 0, 1, "a"}, {0, 0, 2, "b"}, {0, 0, 3, "c"}, {1, 9, 4, "d"}};
   memset(first, 0, sizeof(first));
   for (unsigned round = 0; round < 3000; round++) {
      struct vp_service service = make(equal, 4);
      vp_service_order(&service, 2, next_random);
      if (service.count != 2 || service.servers[1].port == 4)
         CHECK(!"only those of the lowest priority stay");
      first[service.servers[0].port]++;
      vp_service_finish(&service);
   }
   CHECK(first[1] > 850 && first[2] > 850 && first[3] > 850);

   struct vp_service none = {0};
   vp_service_order(&none, 16, next_random);
   CHECK(none.count == 0);
   for (unsigned i = 0; i < 100; i++)
      CHECK(vp_service_random(7) < 7);
}

int main(void)
{
   test_good();
   test_kinds();
   test_lengths();
   test_names();
   test_order();
   return check_finish();
}
