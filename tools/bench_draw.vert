/* SPDX-License-Identifier: MIT */
/* A triangle at a place that a push constant or, in another pipeline, a descriptor set says. */
#version 450
layout(constant_id = 0) const bool from_set = false;
layout(push_constant) uniform Push { vec4 push_place; uint round; };
layout(set = 0, binding = 0) uniform Set { vec4 set_place; };

void main()
{
   const vec4 place = from_set ? set_place : push_place; /* a corner, and where the other two are from there */
   gl_Position = vec4(place.xy + place.zw * vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1), 0, 1);
}
