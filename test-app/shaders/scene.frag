/* SPDX-License-Identifier: MIT */
#version 450
layout(location = 0) in vec3 world_normal;
layout(location = 1) in vec2 texture_coordinate;
layout(location = 0) out vec4 color;
layout(set = 0, binding = 0) uniform Frame { mat4 view_projection; vec4 light; };
layout(set = 0, binding = 1) uniform sampler2D image;
layout(push_constant) uniform Object { mat4 model; vec4 tint; };
void main()
{
   vec4 texel = texture(image, texture_coordinate);
   float bright = light.w + (1.0 - light.w) * max(dot(normalize(world_normal), light.xyz), 0.0);
   color = tint.a > 0.0 ? vec4(texel.rgb * tint.rgb * bright, 1.0) : vec4(tint.rgb, 1.0);
}
