// SPDX-License-Identifier: MIT
#version 450
layout(push_constant) uniform Push { uint factor; };
layout(location = 0) flat out uint instance;

/* Each instance is a quarter of the picture. */
void main()
{
   vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1 & 1);
   vec2 place = vec2(gl_InstanceIndex & 1, gl_InstanceIndex >> 1 & 1);
   gl_Position = vec4(corner + place - 1, 0, 1);
   instance = gl_InstanceIndex * factor;
}
