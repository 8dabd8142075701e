/* SPDX-License-Identifier: MIT */
/* One word. */
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) writeonly buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint place, value; };

void main()
{
   data[place] = value;
}
