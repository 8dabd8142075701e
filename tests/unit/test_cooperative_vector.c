/* SPDX-License-Identifier: MIT */

/* Matrices of cooperative vectors: of what a program names as the source, only the matrix is read and sent. Some name
 * all that there is in a buffer, from each matrix in it on, so more than there is. */

#include "client/vp_entry.h"

#ifdef VK_NV_cooperative_vector

#include <sys/mman.h>

#include "tests/unit/command_peer.h"

#define PAGE ((size_t)4096)
#define OPTIMAL_SIZE ((size_t)192)

PEER_CODEC(vkConvertCooperativeVectorMatrixVP)

static const struct peer_command commands[] = {PEER_COMMAND(vkConvertCooperativeVectorMatrixVP)};

static struct peer peer;
static unsigned seen;
static VkResult answer;

/* A driver whose optimal layouts take that much. */
static void respond(uint32_t number, void *args)
{
   struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a = args;

   CHECK(number == VP_CMD_vkConvertCooperativeVectorMatrixVP);
   if (!a->pDstData)
      *a->pDstSize = OPTIMAL_SIZE;
   a->ret = answer;
}

/* From the last bytes of a page, behind which nothing can be read. */
static VkResult convert(const uint8_t *end, size_t size, VkCooperativeVectorMatrixLayoutNV layout)
{
   uint8_t room[256];
   size_t room_size = sizeof(room);
   const VkConvertCooperativeVectorMatrixInfoNV info = {
      .sType = VK_STRUCTURE_TYPE_CONVERT_COOPERATIVE_VECTOR_MATRIX_INFO_NV,
      .srcSize = 2 * PAGE,
      .srcData.hostAddress = end - size,
      .pDstSize = &room_size,
      .dstData.hostAddress = room,
      .srcComponentType = VK_COMPONENT_TYPE_FLOAT16_KHR,
      .dstComponentType = VK_COMPONENT_TYPE_FLOAT16_KHR,
      .numRows = 3,
      .numColumns = 5,
      .srcLayout = layout,
      .srcStride = 16,
      .dstLayout = VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV,
      .dstStride = 10,
   };
   return vp_vkConvertCooperativeVectorMatrixNV(peer_device(&peer), &info);
}

/* What was sent of the source. */
static void check_sent(const uint8_t *end, size_t size)
{
   const struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a =
      peer_next(&peer, &seen, VP_CMD_vkConvertCooperativeVectorMatrixVP);
   if (CHECK(a) && CHECK(a->pSrcData && a->pDstData))
      CHECK(a->srcSize == size && memcmp(a->pSrcData, end - size, size) == 0);
}

static void check_question(void)
{
   const struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a =
      peer_next(&peer, &seen, VP_CMD_vkConvertCooperativeVectorMatrixVP);
   if (CHECK(a))
      CHECK(!a->pSrcData && !a->pDstData && a->pDst->layout == VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_TRAINING_OPTIMAL_NV);
}

static void test_sources(const uint8_t *end)
{
   CHECK(convert(end, 2 * 16 + 5 * 2, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV) == VK_SUCCESS);
   check_sent(end, 2 * 16 + 5 * 2);
   CHECK(convert(end, 4 * 16 + 3 * 2, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_COLUMN_MAJOR_NV) == VK_SUCCESS);
   check_sent(end, 4 * 16 + 3 * 2);
   CHECK(convert(end, OPTIMAL_SIZE, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_TRAINING_OPTIMAL_NV) == VK_SUCCESS);
   check_question();
   check_sent(end, OPTIMAL_SIZE);
   answer = VK_ERROR_OUT_OF_HOST_MEMORY;
   CHECK(convert(end, OPTIMAL_SIZE, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_TRAINING_OPTIMAL_NV) == answer);
   check_question();
   CHECK(peer_last_call(&peer) == peer_call(&peer, seen));
}

int main(void)
{
   uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

   CHECK(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
   for (size_t i = 0; i < PAGE; i++)
      pages[i] = (uint8_t)(i * 7);
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   test_sources(pages + PAGE);
   peer_stop(&peer);
   munmap(pages, 2 * PAGE);
   return check_finish();
}

#else

int main(void)
{
   return 0;
}

#endif
