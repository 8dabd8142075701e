/* SPDX-License-Identifier: MIT */

/* What a worker does with presents: the picture that arrives is the one that was drawn, no more pictures come than were
 * acknowledged, semaphores that the client signals are not waited for, and nonsense ends the session. */

#include <time.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "client/wsi/picture_decoder.h"
#include "common/picture/h264.h"
#include "common/picture/jpeg.h"
#include "server/wsi/converter.h"
#include "tests/unit/session_gpu.h"

#define WIDTH 270u
#define HEIGHT 90u
#define IMAGES 3u

struct chain {
   VkImage images[IMAGES];
   VkDeviceMemory memories[IMAGES];
   VkSwapchainKHR swapchain;
   struct vp_picture_decoder decoder;
   uint64_t serial; /* of the last batch */
   uint64_t frame;  /* that was received last */
   uint32_t codec;  /* of its last part with tiles */
   bool refined;    /* it was a refinement */
   bool always_lossy;
};

static const VkImageCreateInfo image_info = {
   .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
   .imageType = VK_IMAGE_TYPE_2D,
   .format = VK_FORMAT_B8G8R8A8_UNORM,
   .extent = {WIDTH, HEIGHT, 1},
   .mipLevels = 1,
   .arrayLayers = 1,
   .samples = VK_SAMPLE_COUNT_1_BIT,
   .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
};

static void create_image_as(struct session *s, struct setup *x, struct chain *chain, unsigned i, VkImageCreateInfo info,
                            VkDeviceSize size)
{
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size};
   chain->images[i] = session_object(s);
   chain->memories[i] = session_object(s);
   SEND(s, vkCreateImage, .device = x->device, .pCreateInfo = &info, .pImage = &chain->images[i]);
   if (size)
      SEND(s, vkAllocateMemory, .device = x->device, .pAllocateInfo = &allocation, .pMemory = &chain->memories[i]);
   if (size)
      SEND(s, vkBindImageMemory, .device = x->device, .image = chain->images[i], .memory = chain->memories[i]);
}

static void create_image(struct session *s, struct setup *x, struct chain *chain, unsigned i)
{
   create_image_as(s, x, chain, i, image_info, 1u << 20);
}

static VkResult create_swapchain(struct session *s, struct setup *x, struct chain *chain, VkExtent2D extent,
                                 uint32_t codecs)
{
   const VkSwapchainInfoVP info = {
      .extent = extent,
      .codecs = codecs | VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW),
      .quality = 80,
      .alwaysLossy = chain->always_lossy,
      .imageCount = IMAGES,
      .pImages = chain->images,
   };
   chain->swapchain = session_object(s);
   struct vp_cmd_vkCreateSwapchainVP call = {.device = x->device, .pInfo = &info, .pSwapchain = &chain->swapchain};
   return CALL(s, vkCreateSwapchainVP, &call) ? call.ret : VK_ERROR_UNKNOWN;
}

static bool start_with(struct session *s, struct setup *x, struct chain *chain, uint32_t codecs)
{
   *chain = (struct chain){.always_lossy = true, .decoder = {.picture = {.width = WIDTH, .height = HEIGHT}}};
   if (!CHECK(prepare(s, x, true)))
      return false;
   for (unsigned i = 0; i < IMAGES; i++)
      create_image(s, x, chain, i);
   chain->decoder.picture.pixels = calloc(1, vp_picture_size(&chain->decoder.picture));
   return CHECK(chain->decoder.picture.pixels) &&
          CHECK(create_swapchain(s, x, chain, (VkExtent2D){WIDTH, HEIGHT}, codecs) == VK_SUCCESS);
}

static bool start(struct session *s, struct setup *x, struct chain *chain)
{
   return start_with(s, x, chain, 0);
}

/* Fills an image with one value. */
static void draw(struct session *s, struct setup *x, struct chain *chain, unsigned image, float value)
{
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = chain->images[image],
      .subresourceRange = range,
   };
   const VkClearColorValue color = {.float32 = {value, value, value, value}};
   VkCommandBuffer commands = start_recording(s, x);
   SEND(s, vkCmdPipelineBarrier, .commandBuffer = commands, .srcStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT,
        .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT, .imageMemoryBarrierCount = 1, .pImageMemoryBarriers = &barrier);
   SEND(s, vkCmdClearColorImage, .commandBuffer = commands, .image = chain->images[image],
        .imageLayout = VK_IMAGE_LAYOUT_GENERAL, .pColor = &color, .rangeCount = 1, .pRanges = &range);
   end_and_submit(s, x, commands);
   chain->serial++;
}

static void present(struct session *s, struct setup *x, struct chain *chain, uint32_t image, uint64_t frame)
{
   const VkPresentVP info = {.swapchain = chain->swapchain, .imageIndex = image, .frame = frame};
   SEND(s, vkQueuePresentVP, .queue = x->queue, .presentCount = 1, .pPresents = &info);
   chain->serial++;
}

/* Until a frame is complete; takes its tiles in and returns how many parts had some. */
static unsigned receive(struct session *s, struct chain *chain)
{
   struct vp_present_header header = {0};
   unsigned parts = 0;
   while (!(header.flags & VP_PRESENT_LAST)) {
      if (!CHECK(session_until(s, VP_FRAME_PRESENT)) || !CHECK(s->frame.header.length >= VP_PRESENT_HEADER_SIZE))
         return 0;
      CHECK(s->frame.header.tag == ID(chain->swapchain));
      vp_present_header_load(&header, s->frame.payload);
      if (!header.row_count)
         continue;
      CHECK(vp_picture_decode(&chain->decoder, &header, s->frame.payload + VP_PRESENT_HEADER_SIZE,
                              s->frame.header.length - VP_PRESENT_HEADER_SIZE));
      chain->codec = header.codec;
      parts++;
   }
   chain->frame = header.frame;
   chain->refined = header.flags & VP_PRESENT_REFINEMENT;
   return parts;
}

static void acknowledge(struct session *s, struct setup *x, struct chain *chain, uint32_t frames)
{
   SEND(s, vkAckPresentVP, .device = x->device, .swapchain = chain->swapchain, .frames = frames,
        .arrivalTime = (uint64_t)vp_clock_ns() / 1000);
}

static bool is_filled(const struct chain *chain, uint8_t value)
{
   const size_t size = vp_picture_size(&chain->decoder.picture);
   for (size_t i = 0; i < size; i++) {
      if (chain->decoder.picture.pixels[i] != value)
         return false;
   }
   return true;
}

/* That all batches were counted; the news of the earlier ones may have come between the pictures. */
static void check_queue(struct session *s, struct setup *x, struct chain *chain)
{
   submit(s, x, NULL);
   CHECK(session_flush(s));
   CHECK(session_progress(s, x->queue, ++chain->serial) == VK_SUCCESS);
}

static void test_pictures(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   if (!start(&s, &x, &chain))
      return;
   for (unsigned frame = 1; frame <= 9; frame++) {
      draw(&s, &x, &chain, frame % IMAGES, frame % 2 ? 1 : 0);
      present(&s, &x, &chain, frame % IMAGES, frame);
      CHECK(session_flush(&s));
      CHECK(receive(&s, &chain) > 0);
      CHECK(chain.frame == frame && is_filled(&chain, frame % 2 ? 255 : 0));
      acknowledge(&s, &x, &chain, 1);
   }
   present(&s, &x, &chain, 0, 10); /* the same picture as before */
   CHECK(session_flush(&s));
   CHECK(receive(&s, &chain) == 0 && chain.frame == 10);
   check_queue(&s, &x, &chain);
   SEND(&s, vkDestroySwapchainVP, .device = x.device, .swapchain = chain.swapchain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

static bool is_about(const struct chain *chain, int value)
{
   const size_t size = vp_picture_size(&chain->decoder.picture);
   for (size_t i = 0; i < size; i++) {
      if (i % 4 != 3 && abs(chain->decoder.picture.pixels[i] - value) > 4)
         return false;
   }
   return true;
}

/* A lossy picture becomes exact when nothing is presented for a while. */
static void test_refinement(uint32_t codecs, enum vp_present_codec expected, enum vp_present_codec exact)
{
   struct session s;
   struct setup x;
   struct chain chain;
   if (!start_with(&s, &x, &chain, codecs))
      return;
   for (unsigned frame = 1; frame <= 4; frame++) {
      draw(&s, &x, &chain, 0, frame % 2 ? 0.8f : 0.4f);
      present(&s, &x, &chain, 0, frame);
      CHECK(session_flush(&s));
      CHECK(receive(&s, &chain) > 0 && chain.codec == expected && !chain.refined);
      CHECK(chain.frame == frame && is_about(&chain, frame % 2 ? 204 : 102));
      acknowledge(&s, &x, &chain, 1);
   }
   CHECK(session_flush(&s));
   CHECK(receive(&s, &chain) > 0 && chain.codec == exact && chain.refined);
   CHECK(chain.frame == 4 && is_filled(&chain, 102));
   acknowledge(&s, &x, &chain, 1);
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

/* What both sides have is used: H.264 before JPEG, and JPEG where the client has no H.264. */
static void test_lossy(void)
{
   const uint32_t jpeg = VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG), h264 = VP_PRESENT_CODEC_BIT(VP_PRESENT_H264);
   const uint32_t lz4 = VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4_PLAIN);
   if (vp_jpeg_is_usable())
      test_refinement(jpeg, VP_PRESENT_JPEG, VP_PRESENT_RAW);
   if (vp_jpeg_is_usable())
      test_refinement(jpeg | lz4, VP_PRESENT_JPEG, VP_PRESENT_LZ4_PLAIN);
   if (vp_h264_can_encode() && vp_h264_can_decode()) {
      test_refinement(h264, VP_PRESENT_H264, VP_PRESENT_RAW);
      vps_converter_everywhere = true; /* of the worker's process, which is a copy of this one */
      test_refinement(jpeg | h264 | lz4, VP_PRESENT_H264, VP_PRESENT_LZ4_PLAIN);
      vps_converter_everywhere = false;
   }
}

/* Exact codecs are tried in turn, also on parts of frames; whatever is used, the picture is right. */
static void test_exact(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   unsigned seen = 0;
   if (!start_with(&s, &x, &chain, VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG) - 1))
      return;
   for (unsigned frame = 1; frame <= 400; frame++) {
      draw(&s, &x, &chain, frame % IMAGES, (float)(frame % 5) / 5);
      present(&s, &x, &chain, frame % IMAGES, frame);
      CHECK(session_flush(&s));
      CHECK(receive(&s, &chain) > 0 && chain.frame == frame && is_filled(&chain, (uint8_t)(frame % 5 * 51)));
      seen |= VP_PRESENT_CODEC_BIT(chain.codec);
      acknowledge(&s, &x, &chain, 1);
   }
   CHECK(seen & VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4)); /* which is what it begins with */
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

/* A client that says nothing gets two frames, or three if they are sent quickly, whatever it presents; and each frame
 * is answered in the end, also those that are dropped because there is no place for them. */
static void test_acknowledgement(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   if (!start(&s, &x, &chain))
      return;
   draw(&s, &x, &chain, 0, 1);
   for (unsigned frame = 1; frame <= 20; frame++)
      present(&s, &x, &chain, 0, frame);
   CHECK(session_flush(&s));
   for (unsigned frame = 1; frame <= 2; frame++) {
      receive(&s, &chain);
      CHECK(chain.frame == frame);
   }
   while (chain.frame < 20) {
      acknowledge(&s, &x, &chain, 1);
      CHECK(session_flush(&s));
      receive(&s, &chain);
   }
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0); /* which destroys what is left */
   vp_picture_decoder_finish(&chain.decoder);
}

static void test_signals(void)
{
   struct session s;
   struct setup x;
   if (!CHECK(prepare(&s, &x, true)))
      return;
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkSemaphore semaphores[2] = {session_object(&s), session_object(&s)};
   const VkPipelineStageFlags stages[2] = {VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT};
   for (unsigned i = 0; i < 2; i++)
      SEND(&s, vkCreateSemaphore, .device = x.device, .pCreateInfo = &info, .pSemaphore = &semaphores[i]);
   const VkSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .signalSemaphoreCount = 1, .pSignalSemaphores = &semaphores[0]};
   const VkSubmitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .waitSemaphoreCount = 2,
      .pWaitSemaphores = semaphores,
      .pWaitDstStageMask = stages,
   };
   const VkSemaphoreSubmitInfo wait2[2] = {
      {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO, .semaphore = semaphores[1], .stageMask = stages[0]},
      {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO, .semaphore = semaphores[0], .stageMask = stages[0]},
   };
   const VkSubmitInfo2 batch2 = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2, .waitSemaphoreInfoCount = 2, .pWaitSemaphoreInfos = wait2};
   /* One is signalled by the GPU, the other one by the client: both ways of waiting, twice. */
   for (unsigned i = 0; i < 2; i++) {
      SEND(&s, vkQueueSubmit, .queue = x.queue, .submitCount = 1, .pSubmits = &signal);
      SEND(&s, vkSignalBinarySemaphoreVP, .device = x.device, .semaphore = semaphores[1]);
      SEND(&s, vkQueueSubmit, .queue = x.queue, .submitCount = 1, .pSubmits = &wait);
      SEND(&s, vkQueueSubmit, .queue = x.queue, .submitCount = 1, .pSubmits = &signal);
      SEND(&s, vkSignalBinarySemaphoreVP, .device = x.device, .semaphore = semaphores[1]);
      SEND(&s, vkQueueSubmit2, .queue = x.queue, .submitCount = 1, .pSubmits = &batch2);
   }
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 8) == VK_SUCCESS);
   CHECK(session_close(&s) == 0);
}

/* Where frames had to go without their pictures, the last one is made exact all the same. */
static void test_refinement_later(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   if (!vp_jpeg_is_usable() || !start_with(&s, &x, &chain, VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG)))
      return;
   draw(&s, &x, &chain, 0, 0.4f);
   for (unsigned frame = 1; frame <= 20; frame++)
      present(&s, &x, &chain, 0, frame);
   for (unsigned i = 0; i < 20 && chain.frame < 20; i++) {
      CHECK(session_flush(&s));
      receive(&s, &chain);
      acknowledge(&s, &x, &chain, 1);
   }
   CHECK(session_flush(&s));
   CHECK(receive(&s, &chain) > 0 && chain.refined && chain.frame == 20 && is_filled(&chain, 102));
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

static void signal_gate(struct session *s, struct setup *x, VkSemaphore gate, uint64_t value)
{
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = gate, .value = value};
   SEND(s, vkSignalSemaphore, .device = x->device, .pSignalInfo = &info);
   CHECK(session_flush(s));
}

/* A frame that nothing is drawn for until the gate has the value. */
static void present_behind(struct session *s, struct setup *x, struct chain *chain, VkSemaphore gate, uint64_t value)
{
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &value,
   };
   const VkSubmitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &values,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &gate,
      .pWaitDstStageMask = &stage,
   };
   SEND(s, vkQueueSubmit, .queue = x->queue, .submitCount = 1, .pSubmits = &wait);
   chain->serial++;
   present(s, x, chain, 0, value);
   CHECK(session_flush(s));
   session_settle(s); /* it is waited for */
}

/* A frame that nobody looks at is told of when it is complete, and not when one before it is. */
static void test_unseen(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   if (!start(&s, &x, &chain))
      return;
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkSwapchainInfoVP unseen = {.extent = {WIDTH, HEIGHT}, .imageCount = IMAGES, .pImages = chain.images};
   VkSemaphore gate = session_object(&s);
   SEND(&s, vkCreateSemaphore, .device = x.device, .pCreateInfo = &info, .pSemaphore = &gate);
   chain.swapchain = session_object(&s);
   SEND(&s, vkCreateSwapchainVP, .device = x.device, .pInfo = &unseen, .pSwapchain = &chain.swapchain);
   present_behind(&s, &x, &chain, gate, 1);
   present_behind(&s, &x, &chain, gate, 2);
   for (unsigned frame = 1; frame <= 2; frame++) {
      signal_gate(&s, &x, gate, frame);
      CHECK(receive(&s, &chain) == 0 && chain.frame == frame);
      acknowledge(&s, &x, &chain, 1);
   }
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

/* In the worker too, which is a copy of this process. */
static bool zstd_fails;

/* In place of the library's. */
size_t ZSTD_compressCCtx(ZSTD_CCtx *context, void *out, size_t most, const void *data, size_t size, int level)
{
   return zstd_fails ? (size_t)-ZSTD_error_memory_allocation
                     : ZSTD_compress_usingDict(context, out, most, data, size, NULL, 0, level);
}

/* What cannot be packed goes as it is. */
static void test_unpacked(void)
{
   struct session s;
   struct setup x;
   struct chain chain;
   zstd_fails = true;
   const bool started = start_with(&s, &x, &chain, VP_PRESENT_CODEC_BIT(VP_PRESENT_ZSTD));
   zstd_fails = false;
   if (!started)
      return;
   for (unsigned frame = 1; frame <= 5; frame++) {
      draw(&s, &x, &chain, 0, (float)frame / 5);
      present(&s, &x, &chain, 0, frame);
      CHECK(session_flush(&s));
      CHECK(receive(&s, &chain) > 0 && chain.codec == VP_PRESENT_RAW && is_filled(&chain, (uint8_t)(51 * frame)));
      acknowledge(&s, &x, &chain, 1);
   }
   check_queue(&s, &x, &chain);
   CHECK(session_close(&s) == 0);
   vp_picture_decoder_finish(&chain.decoder);
}

enum misfit {
   SIXTEEN_BYTES,
   EIGHT_BYTES,
   ONE_BYTE,
   DEPTH,
   PLANES,
   SMALLER_IMAGE,
   LARGER_IMAGE,
   VOLUME,
   SAMPLES,
   WRONG_USAGE,
   UNBOUND,
   TOO_LITTLE_MEMORY,
   FREED_MEMORY,
   NO_IMAGE,
   DESTROYED_IMAGE,
   FITTING,
};

/* The last image of a swapchain, which is not what the presenter copies. */
static void create_misfit(struct session *s, struct setup *x, struct chain *chain, enum misfit what)
{
   static const VkFormat formats[] = {
      [SIXTEEN_BYTES] = VK_FORMAT_R32G32B32A32_SFLOAT,
      [EIGHT_BYTES] = VK_FORMAT_R16G16B16A16_SFLOAT,
      [ONE_BYTE] = VK_FORMAT_R8_UNORM,
      [DEPTH] = VK_FORMAT_D32_SFLOAT,
      [PLANES] = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
   };
   VkImageCreateInfo info = image_info;
   VkDeviceSize size = 1u << 20;

   if (what <= PLANES)
      info.format = formats[what];
   else if (what == SMALLER_IMAGE)
      info.extent.height /= 2;
   else if (what == LARGER_IMAGE)
      info.extent.height *= 2;
   else if (what == VOLUME)
      info.imageType = VK_IMAGE_TYPE_3D;
   else if (what == SAMPLES)
      info.samples = VK_SAMPLE_COUNT_4_BIT;
   else if (what == WRONG_USAGE)
      info.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   else if (what == UNBOUND)
      size = 0;
   else if (what == TOO_LITTLE_MEMORY)
      size = 4096;
   if (what == SAMPLES)
      info.usage |= VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
   create_image_as(s, x, chain, IMAGES - 1, info, size);
   if (what == FREED_MEMORY)
      SEND(s, vkFreeMemory, .device = x->device, .memory = chain->memories[IMAGES - 1]);
   if (what == NO_IMAGE)
      chain->images[IMAGES - 1] = VK_NULL_HANDLE;
}

/* What cannot be copied into a picture makes no swapchain, and the session goes on. */
static void test_misfits(void)
{
   struct session s;
   struct setup x;
   struct chain chain = {.always_lossy = true};

   if (!CHECK(prepare(&s, &x, false)))
      return;
   for (unsigned i = 0; i < IMAGES - 1; i++)
      create_image(&s, &x, &chain, i);
   for (unsigned what = 0; what <= FITTING; what++) {
      if (what == DESTROYED_IMAGE)
         continue;
      create_misfit(&s, &x, &chain, what);
      const VkResult result = create_swapchain(&s, &x, &chain, (VkExtent2D){WIDTH, HEIGHT}, 0);
      if (!CHECK(result == (what == FITTING ? VK_SUCCESS : VK_ERROR_INITIALIZATION_FAILED)))
         fprintf(stderr, "  misfit %u gives %d\n", what, result);
   }
   CHECK(session_close(&s) == 0);
}

/* A swapchain ends with its image, and cannot be presented when the memory of one was freed. */
static void test_lost_image(enum misfit what)
{
   struct session s;
   struct setup x;
   struct chain chain;
   struct vp_error error;

   if (!start(&s, &x, &chain))
      return;
   draw(&s, &x, &chain, 0, 1);
   present(&s, &x, &chain, 0, 1);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, chain.serial) == VK_SUCCESS);
   if (what == DESTROYED_IMAGE)
      SEND(&s, vkDestroyImage, .device = x.device, .image = chain.images[0]);
   SEND(&s, vkFreeMemory, .device = x.device, .memory = chain.memories[0]);
   acknowledge(&s, &x, &chain, what == DESTROYED_IMAGE ? 1 : 0);
   present(&s, &x, &chain, 0, 2);
   CHECK(session_flush(&s));
   if (what == DESTROYED_IMAGE) {
      CHECK(session_until(&s, VP_FRAME_BATCH_ERROR) && vp_bytes_load_u64(s.frame.payload) == chain.serial);
      CHECK(session_progress(&s, x.queue, chain.serial) == VK_SUCCESS);
      SEND(&s, vkDestroySwapchainVP, .device = x.device, .swapchain = chain.swapchain);
      CHECK(session_flush(&s));
   } else {
      CHECK(session_error(&s, &error) && strstr(error.text, "was freed"));
   }
   CHECK(session_close(&s) == (what == DESTROYED_IMAGE ? 0 : 1));
   vp_picture_decoder_finish(&chain.decoder);
}

enum nonsense { WRONG_IMAGE, TWICE, TOO_MANY_ACKNOWLEDGED, NO_EXTENT, HUGE_EXTENT, NONSENSE_COUNT };

static void test_nonsense(enum nonsense what)
{
   struct session s;
   struct setup x;
   struct chain chain;
   struct vp_error error;
   if (!start(&s, &x, &chain))
      return;
   const VkPresentVP both[2] = {{.swapchain = chain.swapchain, .frame = 1}, {.swapchain = chain.swapchain, .frame = 2}};
   if (what == WRONG_IMAGE)
      present(&s, &x, &chain, IMAGES, 1);
   else if (what == TWICE)
      SEND(&s, vkQueuePresentVP, .queue = x.queue, .presentCount = 2, .pPresents = both);
   else if (what == TOO_MANY_ACKNOWLEDGED)
      acknowledge(&s, &x, &chain, 1);
   else
      create_swapchain(&s, &x, &chain, what == NO_EXTENT ? (VkExtent2D){0, 5} : (VkExtent2D){5, 1u << 20}, 0);
   session_flush(&s);
   if (what != NO_EXTENT && what != HUGE_EXTENT) /* else the wait for the reply has met it */
      CHECK(session_error(&s, &error));
   session_free(&s);
   session_wait(&s);
   vp_picture_decoder_finish(&chain.decoder);
}

int main(void)
{
   session_use_driver();
   test_pictures();
   test_lossy();
   test_exact();
   test_acknowledgement();
   test_refinement_later();
   test_unseen();
   test_unpacked();
   test_signals();
   test_misfits();
   test_lost_image(DESTROYED_IMAGE);
   test_lost_image(FREED_MEMORY);
   for (unsigned what = 0; what < NONSENSE_COUNT; what++)
      test_nonsense(what);
   return check_finish();
}
