/* SPDX-License-Identifier: MIT */

/* A BIO that collects what OpenSSL writes. Its own buffer (BIO_f_buffer) passes on what it cannot take, so that a
 * socket without room stops OpenSSL in the middle of a record; then it cannot answer when the other side wants a new
 * key. */

#include "common/tls/outgoing.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* So much goes to the socket at once: records have 16 KiB at most, and a call of the kernel's costs as much as
 * encrypting one. Much larger buffers do not stay in the processor's own memory. */
#define ENOUGH ((size_t)64 * 1024)

/* A record with its header and its end, and short ones about keys. */
#define RECORD ((size_t)17 * 1024)

#define ROOM (ENOUGH + RECORD)

struct outgoing {
   size_t begin, end;
   uint8_t data[ROOM];
};

static BIO_METHOD *outgoing_method;
static pthread_once_t outgoing_once = PTHREAD_ONCE_INIT;

/* All that there is room for, or nothing. */
static int outgoing_write(BIO *bio, const char *data, size_t size, size_t *written)
{
   struct outgoing *outgoing = BIO_get_data(bio);

   BIO_clear_retry_flags(bio);
   if (size > ROOM - (outgoing->end - outgoing->begin)) {
      BIO_set_retry_write(bio);
      return 0;
   }
   if (size > ROOM - outgoing->end) {
      outgoing->end -= outgoing->begin;
      memmove(outgoing->data, outgoing->data + outgoing->begin, outgoing->end);
      outgoing->begin = 0;
   }
   memcpy(outgoing->data + outgoing->end, data, size);
   outgoing->end += size;
   *written = size;
   return 1;
}

static long outgoing_control(BIO *bio, int command, long number, void *pointer)
{
   const struct outgoing *outgoing = BIO_get_data(bio);

   switch (command) {
   case BIO_CTRL_FLUSH:
      return 1; /* OpenSSL need not wait for it */
   case BIO_CTRL_WPENDING:
      return (long)(outgoing->end - outgoing->begin);
   default:
      return BIO_next(bio) ? BIO_ctrl(BIO_next(bio), command, number, pointer) : 0;
   }
}

static int outgoing_open(BIO *bio)
{
   struct outgoing *outgoing = malloc(sizeof(*outgoing));

   if (!outgoing)
      return 0;
   outgoing->begin = outgoing->end = 0;
   BIO_set_data(bio, outgoing);
   BIO_set_init(bio, 1);
   return 1;
}

static int outgoing_close(BIO *bio)
{
   free(BIO_get_data(bio));
   return 1;
}

static void make_method(void)
{
   const int index = BIO_get_new_index();

   outgoing_method = index < 0 ? NULL : BIO_meth_new(index | BIO_TYPE_FILTER, "outgoing records");
   if (outgoing_method && BIO_meth_set_write_ex(outgoing_method, outgoing_write) &&
       BIO_meth_set_ctrl(outgoing_method, outgoing_control) && BIO_meth_set_create(outgoing_method, outgoing_open) &&
       BIO_meth_set_destroy(outgoing_method, outgoing_close))
      return;
   BIO_meth_free(outgoing_method);
   outgoing_method = NULL;
}

BIO *vp_outgoing_create(void)
{
   pthread_once(&outgoing_once, make_method);
   return outgoing_method ? BIO_new(outgoing_method) : NULL;
}

bool vp_outgoing_has_room(BIO *bio)
{
   return BIO_wpending(bio) < (long)ENOUGH;
}

void vp_outgoing_forget(BIO *bio)
{
   struct outgoing *outgoing = BIO_get_data(bio);

   outgoing->begin = outgoing->end = 0;
}

bool vp_outgoing_send(BIO *bio)
{
   struct outgoing *outgoing = BIO_get_data(bio);
   size_t size;

   while (outgoing->end > outgoing->begin) {
      if (BIO_write_ex(BIO_next(bio), outgoing->data + outgoing->begin, outgoing->end - outgoing->begin, &size) != 1) {
         BIO_copy_next_retry(bio);
         return false;
      }
      outgoing->begin += size;
   }
   vp_outgoing_forget(bio);
   return true;
}
