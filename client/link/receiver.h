/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_RECEIVER_H
#define VP_CLIENT_LINK_RECEIVER_H

#include "common/net/frame.h"

struct vp_connection;
struct vp_mapping;
struct vp_object;

/* What the server says of one object, which is NULL when it is gone by now. Called with the lock of `objects`. False
 * when the frame makes no sense. */
typedef bool vp_news_handler(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame);

/* By the type of the frame; NULL where that is about no object. This table and the next are in
 * client/device/news.c, for the connection knows no objects of Vulkan. */
extern vp_news_handler *const vp_news_handlers[VP_FRAME_END];

/* What becomes of mapped memory that the server sends. */
struct vp_memory_news {
   struct vp_mapping *(*hold)(struct vp_object *object); /* with the lock of `objects`; NULL where there is none */
   bool (*apply)(struct vp_mapping *mapping, const uint8_t *data, size_t size);
   void (*release)(struct vp_mapping *mapping); /* NULL is fine */
};
extern const struct vp_memory_news vp_memory_news;

/* Starts the threads that take in everything the server sends, until the
 * connection is lost. */
bool vp_receiver_start(struct vp_connection *conn);

#endif
