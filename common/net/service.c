/* SPDX-License-Identifier: MIT */

/* Reads SRV records from a message of the DNS, of which nothing is believed, and puts servers in the order of RFC 2782.
 */

#include "common/net/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 12
#define FLAG_RESPONSE 0x8000
#define FLAG_TRUNCATED 0x0200
#define CODE_MASK 0x780f /* kind of question, and error */

/* With dots; its lengths and the end of it make 255 bytes of that. */
#define LONGEST_NAME 253

#define CLASS_IN 1
#define TYPE_SRV 33

/* Of a record: type, class, time, length of its data; of a question: the first two. Of the data: priority, weight,
 * port, before the name. */
#define RECORD_SIZE 10
#define QUESTION_SIZE 4
#define SRV_SIZE 6

/* Two bits that tell a length from a reference to what stands before. */
#define LABEL_KIND 0xc0
#define LABEL_REFERENCE 0xc0

struct message {
   const uint8_t *data;
   size_t size, at;
   const char *fault; /* the first one; NULL: none */
};

static uint16_t load_u16(const uint8_t *in)
{
   return (uint16_t)(in[0] << 8 | in[1]);
}

static bool message_fail(struct message *message, const char *fault)
{
   message->fault = message->fault ? message->fault : fault;
   return false;
}

/* What is next; NULL: there is not so much. */
static const uint8_t *message_take(struct message *message, size_t size)
{
   if (message->size - message->at < size) {
      message_fail(message, "is cut off");
      return NULL;
   }
   message->at += size;
   return message->data + message->at - size;
}

/* What names of hosts are made of, and no more: it goes into logs and to the resolver. */
static bool is_host_character(uint8_t c)
{
   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One label, which begins at `from` and has at least one byte. *length: of the name up to now. */
static bool add_label(struct message *message, const uint8_t *from, size_t size, char *name, size_t *length)
{
   if (!name)
      return true;
   if (*length + (*length > 0) + size > LONGEST_NAME)
      return message_fail(message, "has a name that is too long");
   if (*length > 0)
      name[(*length)++] = '.';
   for (size_t i = 0; i < size; i++) {
      if (!is_host_character(from[i]))
         return message_fail(message, "has a name that no host has");
      name[(*length)++] = (char)from[i];
   }
   return true;
}

/* A name with dots; the root has none. NULL: it is only passed. A reference leads to before the place where it has been
 * come from, so there is an end. */
static bool message_read_name(struct message *message, char name[VP_SERVICE_NAME_SIZE])
{
   struct message from = *message;
   size_t start = message->at, length = 0;
   bool jumped = false;

   for (;;) {
      const uint8_t *head = message_take(&from, 1);
      const uint8_t kind = head ? *head & LABEL_KIND : 0, size = head ? *head & (uint8_t)~LABEL_KIND : 0;
      const uint8_t *rest = head && (kind == LABEL_REFERENCE || size) ? message_take(&from, kind ? 1 : size) : head;
      if (!rest)
         return message_fail(message, from.fault);
      if (!jumped)
         message->at = from.at;
      if (kind == LABEL_REFERENCE) {
         from.at = (size_t)size << 8 | *rest;
         if (from.at >= start)
            return message_fail(message, "has a name that leads forwards");
         start = from.at;
         jumped = true;
      } else if (kind) {
         return message_fail(message, "has a name of an unknown kind");
      } else if (size == 0) {
         break;
      } else if (!add_label(message, rest, size, name, &length)) {
         return false;
      }
   }
   if (name)
      name[length] = '\0';
   return true;
}

/* --- records --- */

/* *declined: it says that there is no such service. */
static bool read_srv(struct message *message, size_t end, struct vp_service *service, bool *declined)
{
   struct vp_service_server *server = &service->servers[service->count];
   const uint8_t *data = end - message->at < SRV_SIZE ? NULL : message_take(message, SRV_SIZE);

   if (!data)
      return message_fail(message, "has a SRV record that is too short");
   *server =
      (struct vp_service_server){.priority = load_u16(data), .weight = load_u16(data + 2), .port = load_u16(data + 4)};
   if (!message_read_name(message, server->host))
      return false;
   if (message->at != end)
      return message_fail(message, "has a SRV record of another length than its name");
   if (!server->host[0]) {
      *declined = true;
      return true;
   }
   if (server->port == 0)
      return message_fail(message, "has a server with port 0");
   service->count++;
   return true;
}

static bool read_record(struct message *message, struct vp_service *service, bool *declined)
{
   const uint8_t *head = message_read_name(message, NULL) ? message_take(message, RECORD_SIZE) : NULL;
   const size_t size = head ? load_u16(head + 8) : 0, end = message->at + size;

   if (!head)
      return false;
   if (end > message->size)
      return message_fail(message, "is cut off");
   if (load_u16(head + 2) != CLASS_IN)
      return message_fail(message, "has a record that is not of the internet");
   if (load_u16(head) == TYPE_SRV)
      return read_srv(message, end, service, declined);
   message->at = end; /* as names that stand for others */
   return true;
}

static bool read_message(struct message *message, struct vp_service *service, bool *declined)
{
   const uint8_t *header = message_take(message, HEADER_SIZE);
   const uint16_t flags = header ? load_u16(header + 2) : 0;
   const unsigned questions = header ? load_u16(header + 4) : 0, answers = header ? load_u16(header + 6) : 0;

   if (!header)
      return false;
   if (!(flags & FLAG_RESPONSE) || flags & (FLAG_TRUNCATED | CODE_MASK))
      return message_fail(message, "is none");
   for (unsigned i = 0; i < questions; i++) {
      if (!message_read_name(message, NULL) || !message_take(message, QUESTION_SIZE))
         return false;
   }
   /* No record is shorter than its head: so many are in it at most. */
   const unsigned most = (unsigned)((message->size - message->at) / RECORD_SIZE);
   service->servers = answers > most ? NULL : calloc(answers + 1, sizeof(*service->servers));
   if (!service->servers)
      return message_fail(message, answers > most ? "is cut off" : "needs more memory than there is");
   for (unsigned i = 0; i < answers; i++) {
      if (!read_record(message, service, declined))
         return false;
   }
   return true;
}

bool vp_service_parse(struct vp_service *service, const uint8_t *answer, size_t size, char *error, size_t error_size)
{
   struct message message = {.data = answer, .size = size};
   bool declined = false;

   *service = (struct vp_service){0};
   const bool ok = read_message(&message, service, &declined);
   if (ok && service->count > 0)
      return true;
   if (!ok)
      snprintf(error, error_size, "the answer of the DNS %s", message.fault);
   else if (declined)
      snprintf(error, error_size, "the DNS says that there is no such service");
   else
      snprintf(error, error_size, "the DNS has no SRV record there");
   vp_service_finish(service);
   return false;
}

void vp_service_finish(struct vp_service *service)
{
   free(service->servers);
   *service = (struct vp_service){0};
}

/* --- order --- */

/* Of those from `first` on, all of the lowest priority come to the front. Returns how many these are. */
static unsigned gather_lowest(struct vp_service *service, unsigned first)
{
   unsigned count = 0;
   uint16_t lowest = UINT16_MAX;

   for (unsigned i = first; i < service->count; i++) {
      if (service->servers[i].priority < lowest)
         lowest = service->servers[i].priority;
   }
   for (unsigned i = first; i < service->count; i++) {
      struct vp_service_server *place = &service->servers[first + count], found = service->servers[i];
      if (found.priority != lowest)
         continue;
      service->servers[i] = *place;
      *place = found;
      count++;
   }
   return count;
}

/* One of so many, as their weights say: all begin with a little, so that a weight of 0 is seldom and not never. */
static unsigned choose(const struct vp_service_server *servers, unsigned count, uint64_t (*random)(uint64_t limit))
{
   const uint64_t scale = 64; /* a weight of 1 is worth so many of 0 */
   uint64_t sum = 0;
   unsigned i = 0;

   for (unsigned k = 0; k < count; k++)
      sum += servers[k].weight * scale + 1;
   for (uint64_t left = random(sum); left > servers[i].weight * scale; i++)
      left -= servers[i].weight * scale + 1;
   return i;
}

void vp_service_order(struct vp_service *service, unsigned most, uint64_t (*random)(uint64_t limit))
{
   unsigned left = 0;

   for (unsigned at = 0; at < service->count && at < most; at++, left--) {
      if (left == 0)
         left = gather_lowest(service, at);
      struct vp_service_server *place = &service->servers[at];
      struct vp_service_server *chosen = place + choose(place, left, random), first = *place;
      *place = *chosen;
      *chosen = first;
   }
   if (service->count > most)
      service->count = most;
}

uint64_t vp_service_random(uint64_t limit)
{
   uint64_t number = 0;

   (void)!getentropy(&number, sizeof(number));
   return number % limit;
}
