/* SPDX-License-Identifier: MIT */

/* How people name GPUs: by number, by a part of the name, and several. */

#include "common/util/gpu_choice.h"
#include "tests/unit/check.h"

int main(void)
{
   static const char name[] = "NVIDIA H100 PCIe";

   CHECK(vp_gpu_is_meant("1", 1, name) && vp_gpu_is_meant("001", 1, name) && vp_gpu_is_meant("h100", 7, name));
   CHECK(!vp_gpu_is_meant("100", 1, name)); /* a number is never a part of the name */
   CHECK(!vp_gpu_is_meant("h200", 1, name) && !vp_gpu_is_meant("11", 1, name));
   CHECK(vp_gpu_is_in_list("0,1", 1, name) && vp_gpu_is_in_list(" AMD , nvidia h100 ,", 3, name));
   CHECK(!vp_gpu_is_in_list("", 0, name) && !vp_gpu_is_in_list(" , ,", 0, name));
   CHECK(!vp_gpu_is_in_list("0, AMD", 1, name));
   return check_finish();
}
