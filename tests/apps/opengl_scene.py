#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Renders and computes with OpenGL without a window and prints a checksum of every result.

usage: opengl_scene.py RENDERER

It wants a renderer whose name begins with RENDERER (Mesa takes another one silently when the wanted one fails). Exit
status 77 and a line when OpenGL itself is missing, 1 when something fails."""

import ctypes
import hashlib
import math
import struct
import sys

SIZE = 256
FRAMES = 12

EGL_NONE, EGL_OPENGL_API = 0x3038, 0x30A2
EGL_PLATFORM_SURFACELESS = 0x31DD
EGL_CONTEXT_MAJOR, EGL_CONTEXT_MINOR, EGL_PROFILE_MASK, EGL_CORE_PROFILE = 0x3098, 0x30FB, 0x30FD, 1
EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE = 0x3040, 8, 0x3033

GL_TRIANGLES, GL_POINTS, GL_UNSIGNED_BYTE, GL_FLOAT, GL_RGBA, GL_RGBA8 = 4, 0, 0x1401, 0x1406, 0x1908, 0x8058
GL_DEPTH_TEST, GL_BLEND, GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA, GL_RASTERIZER_DISCARD = 0xB71, 0xBE2, 0x302, 0x303, 0x8C89
GL_DEPTH_COMPONENT24, GL_COLOR_ATTACHMENT0, GL_DEPTH_ATTACHMENT = 0x81A6, 0x8CE0, 0x8D00
GL_FRAMEBUFFER, GL_READ_FRAMEBUFFER, GL_DRAW_FRAMEBUFFER, GL_RENDERBUFFER = 0x8D40, 0x8CA8, 0x8CA9, 0x8D41
GL_FRAMEBUFFER_COMPLETE, GL_COLOR_DEPTH_BITS, GL_NEAREST = 0x8CD5, 0x4100, 0x2600
GL_TEXTURE_2D, GL_TEXTURE0, GL_TEXTURE_MIN_FILTER, GL_LINEAR_MIPMAP_LINEAR = 0xDE1, 0x84C0, 0x2801, 0x2703
GL_ARRAY_BUFFER, GL_UNIFORM_BUFFER, GL_SHADER_STORAGE_BUFFER, GL_FEEDBACK_BUFFER = 0x8892, 0x8A11, 0x90D2, 0x8C8E
GL_STATIC_DRAW, GL_STREAM_DRAW, GL_DYNAMIC_READ = 0x88E4, 0x88E0, 0x88E9
GL_MAP_READ, GL_MAP_WRITE, GL_MAP_INVALIDATE, GL_MAP_PERSISTENT, GL_MAP_COHERENT = 1, 2, 8, 0x40, 0x80
GL_VERTEX_SHADER, GL_FRAGMENT_SHADER, GL_COMPUTE_SHADER = 0x8B31, 0x8B30, 0x91B9
GL_COMPILE_STATUS, GL_LINK_STATUS, GL_INTERLEAVED_ATTRIBS = 0x8B81, 0x8B82, 0x8C8C
GL_SAMPLES_PASSED, GL_QUERY_RESULT, GL_RENDERER, GL_ALL_BARRIER_BITS = 0x8914, 0x8866, 0x1F01, 0xFFFFFFFF
GL_SYNC_GPU_COMMANDS_COMPLETE, GL_SYNC_FLUSH_COMMANDS = 0x9117, 1
GL_ALREADY_SIGNALED, GL_CONDITION_SATISFIED = 0x911A, 0x911C

QUAD = [-1, -1, 1, -1, 1, 1, -1, -1, 1, 1, -1, 1]

SCENE_VERTEX = """#version 430 core
layout(location = 0) in vec2 corner;
layout(std140, binding = 0) uniform Block { vec4 place[64]; };
layout(location = 0) out vec2 uv;
layout(location = 1) flat out int which;
void main() {
   vec4 p = place[gl_InstanceID];
   float c = cos(p.w), s = sin(p.w);
   gl_Position = vec4(mat2(c, s, -s, c) * corner * 0.2 + p.xy, p.z, 1.0);
   uv = corner * 2.0 + 0.5;
   which = gl_InstanceID;
}"""

SCENE_FRAGMENT = """#version 430 core
layout(location = 0) in vec2 uv;
layout(location = 1) flat in int which;
layout(binding = 0) uniform sampler2D image;
layout(location = 0) out vec4 colour;
void main() {
   colour = texture(image, uv) * vec4(float(which % 4) / 3.0, float(which % 3) / 2.0, 1.0, 0.7);
   if (which % 7 == 0 && fract(uv.x * 3.0) < 0.2)
      discard;
}"""

FEEDBACK_VERTEX = """#version 430 core
out vec4 result;
uniform int base;
void main() {
   int n = gl_VertexID + base;
   result = vec4(n, n * n, 1.0 / float(n + 1), sqrt(float(n)));
   gl_Position = vec4(0.0);
}"""

COMPUTE = """#version 430 core
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Data { uint data[]; };
layout(std430, binding = 1) buffer Sum { uint sum; };
shared uint part[64];
void main() {
   uint i = gl_GlobalInvocationID.x, x = data[i];
   for (int n = 0; n < 20; n++)
      x = x * 1664525u + 1013904223u;
   data[i] = x;
   part[gl_LocalInvocationID.x] = (x >> 16) & 255u;
   barrier();
   if (gl_LocalInvocationID.x == 0u) {
      uint total = 0u;
      for (int n = 0; n < 64; n++)
         total += part[n];
      atomicAdd(sum, total);
   }
}"""


def stop(status, text):
    print(text)
    sys.exit(status)


def load(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        stop(77, f"SKIP: {name} is not installed")


class GL:
    """The functions of OpenGL, by name. Arguments are ints, floats (32 bits), bytes and ctypes objects."""

    WIDE = {"glBufferData": (1,), "glBufferSubData": (1, 2), "glGetBufferSubData": (1, 2), "glBufferStorage": (1,),
            "glMapBufferRange": (1, 2), "glVertexAttribPointer": (5,), "glClientWaitSync": (0, 2), "glDeleteSync": (0,)}
    POINTERS = ("glMapBufferRange", "glFenceSync", "glGetString")

    def __init__(self, egl):
        self.lookup = egl.eglGetProcAddress
        self.lookup.restype = ctypes.c_void_p
        self.lookup.argtypes = [ctypes.c_char_p]
        self.known = {}

    def __getattr__(self, name):
        if name not in self.known:
            address = self.lookup(name.encode())
            if not address:
                stop(1, f"there is no {name}")
            result = ctypes.c_void_p if name in self.POINTERS else ctypes.c_uint
            self.known[name] = ctypes.CFUNCTYPE(result)(address)
        function = self.known[name]
        wide = self.WIDE.get(name, ())

        def call(*arguments):
            values = []
            for index, value in enumerate(arguments):
                if isinstance(value, float):
                    values.append(ctypes.c_float(value))
                elif isinstance(value, int):
                    values.append(ctypes.c_size_t(value) if index in wide else ctypes.c_uint(value & 0xFFFFFFFF))
                elif isinstance(value, bytes):
                    values.append(ctypes.c_char_p(value))
                elif value is None:
                    values.append(ctypes.c_void_p())
                else:
                    values.append(value)
            return function(*values)

        return call

    def make(self, function):
        name = ctypes.c_uint()
        getattr(self, function)(1, ctypes.byref(name))
        return name.value

    def program(self, *shaders, feedback=None):
        program = self.glCreateProgram()
        status = ctypes.c_int()
        for kind, source in shaders:
            shader = self.glCreateShader(kind)
            text = ctypes.c_char_p(source.encode())
            self.glShaderSource(shader, 1, ctypes.byref(text), None)
            self.glCompileShader(shader)
            self.glGetShaderiv(shader, GL_COMPILE_STATUS, ctypes.byref(status))
            if not status.value:
                stop(1, "a shader does not compile")
            self.glAttachShader(program, shader)
        if feedback:
            text = ctypes.c_char_p(feedback)
            self.glTransformFeedbackVaryings(program, 1, ctypes.byref(text), GL_INTERLEAVED_ATTRIBS)
        self.glLinkProgram(program)
        self.glGetProgramiv(program, GL_LINK_STATUS, ctypes.byref(status))
        if not status.value:
            stop(1, "a program does not link")
        return program

    def check(self, what):
        error = self.glGetError()
        if error:
            stop(1, f"{what}: OpenGL error {error:#x}")


def create_context():
    egl = load("libEGL.so.1")
    for function in ("eglGetPlatformDisplay", "eglCreateContext"):
        getattr(egl, function).restype = ctypes.c_void_p
    display = ctypes.c_void_p(egl.eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS, None, None))
    if not egl.eglInitialize(display, None, None):
        stop(1, "EGL does not start")
    egl.eglBindAPI(EGL_OPENGL_API)
    attributes = (ctypes.c_int * 5)(EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE, 0, EGL_NONE)
    config, count = ctypes.c_void_p(), ctypes.c_int()
    if not egl.eglChooseConfig(display, attributes, ctypes.byref(config), 1, ctypes.byref(count)) or not count.value:
        stop(1, "EGL has no configuration for OpenGL")
    attributes = (ctypes.c_int * 7)(EGL_CONTEXT_MAJOR, 4, EGL_CONTEXT_MINOR, 3, EGL_PROFILE_MASK, EGL_CORE_PROFILE,
                                    EGL_NONE)
    context = ctypes.c_void_p(egl.eglCreateContext(display, config, None, attributes))
    if not context.value or not egl.eglMakeCurrent(display, None, None, context):
        stop(1, "there is no context of OpenGL 4.3")
    return egl, display, context


def report(name, data):
    print(f"{name}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()}")


def create_target(gl, samples):
    target = gl.make("glGenFramebuffers")
    gl.glBindFramebuffer(GL_FRAMEBUFFER, target)
    for attachment, form in ((GL_COLOR_ATTACHMENT0, GL_RGBA8), (GL_DEPTH_ATTACHMENT, GL_DEPTH_COMPONENT24)):
        buffer = gl.make("glGenRenderbuffers")
        gl.glBindRenderbuffer(GL_RENDERBUFFER, buffer)
        gl.glRenderbufferStorageMultisample(GL_RENDERBUFFER, samples, form, SIZE, SIZE)
        gl.glFramebufferRenderbuffer(GL_FRAMEBUFFER, attachment, GL_RENDERBUFFER, buffer)
    if gl.glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE:
        stop(1, f"no framebuffer with {samples} samples")
    return target


def create_texture(gl):
    texels = bytes((x * 3 + y * 5 * c) & 255 if c < 3 else 255 for y in range(64) for x in range(64) for c in range(4))
    gl.glActiveTexture(GL_TEXTURE0)
    gl.glBindTexture(GL_TEXTURE_2D, gl.make("glGenTextures"))
    gl.glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, 64, 64, 0, GL_RGBA, GL_UNSIGNED_BYTE, texels)
    gl.glGenerateMipmap(GL_TEXTURE_2D)
    gl.glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR_MIPMAP_LINEAR)


def read_pixels(gl):
    pixels = (ctypes.c_ubyte * (SIZE * SIZE * 4))()
    gl.glReadPixels(0, 0, SIZE, SIZE, GL_RGBA, GL_UNSIGNED_BYTE, pixels)
    return bytes(pixels)


def places(frame):
    values = []
    for i in range(64):
        angle = frame * 0.1 + i
        values += [math.cos(angle * 1.3) * 0.8, math.sin(angle) * 0.8, (i * 37 % 64) / 64.0, angle]
    return struct.pack("256f", *values)


def draw_frames(gl):
    """Frames whose uniforms come through each way of filling a buffer; every fourth frame is not read back."""
    plain, many = create_target(gl, 0), create_target(gl, 4)
    create_texture(gl)
    gl.glUseProgram(gl.program((GL_VERTEX_SHADER, SCENE_VERTEX), (GL_FRAGMENT_SHADER, SCENE_FRAGMENT)))
    gl.glBindVertexArray(gl.make("glGenVertexArrays"))
    gl.glBindBuffer(GL_ARRAY_BUFFER, gl.make("glGenBuffers"))
    gl.glBufferData(GL_ARRAY_BUFFER, 48, struct.pack("12f", *QUAD), GL_STATIC_DRAW)
    gl.glVertexAttribPointer(0, 2, GL_FLOAT, 0, 8, 0)
    gl.glEnableVertexAttribArray(0)
    streamed, persistent = gl.make("glGenBuffers"), gl.make("glGenBuffers")
    gl.glBindBuffer(GL_UNIFORM_BUFFER, persistent)
    flags = GL_MAP_WRITE | GL_MAP_PERSISTENT | GL_MAP_COHERENT
    gl.glBufferStorage(GL_UNIFORM_BUFFER, 1024 * FRAMES, None, flags)
    mapped = gl.glMapBufferRange(GL_UNIFORM_BUFFER, 0, 1024 * FRAMES, flags)
    gl.glBindBuffer(GL_UNIFORM_BUFFER, streamed)
    gl.glBufferData(GL_UNIFORM_BUFFER, 1024, None, GL_STREAM_DRAW)
    gl.glViewport(0, 0, SIZE, SIZE)
    gl.glEnable(GL_DEPTH_TEST)
    gl.glEnable(GL_BLEND)
    gl.glBlendFunc(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA)
    gl.check("set-up")
    query = gl.make("glGenQueries")
    for frame in range(FRAMES):
        data = places(frame)
        if frame % 3 == 0:
            ctypes.memmove(mapped + 1024 * frame, data, len(data))
            gl.glBindBufferRange(GL_UNIFORM_BUFFER, 0, persistent, ctypes.c_ssize_t(1024 * frame), ctypes.c_ssize_t(1024))
        else:
            gl.glBindBufferRange(GL_UNIFORM_BUFFER, 0, streamed, ctypes.c_ssize_t(0), ctypes.c_ssize_t(1024))
            if frame % 3 == 1:
                gl.glBufferSubData(GL_UNIFORM_BUFFER, 0, len(data), data)
            else:
                to = gl.glMapBufferRange(GL_UNIFORM_BUFFER, 0, 1024, GL_MAP_WRITE | GL_MAP_INVALIDATE)
                ctypes.memmove(to, data, len(data))
                gl.glUnmapBuffer(GL_UNIFORM_BUFFER)
        gl.glBindFramebuffer(GL_FRAMEBUFFER, many if frame % 2 else plain)
        gl.glClearColor(0.1, 0.2, frame / FRAMES, 1.0)
        gl.glClear(GL_COLOR_DEPTH_BITS)
        gl.glBeginQuery(GL_SAMPLES_PASSED, query)
        gl.glDrawArraysInstanced(GL_TRIANGLES, 0, 6, 64)
        gl.glEndQuery(GL_SAMPLES_PASSED)
        if frame % 2:
            gl.glBindFramebuffer(GL_DRAW_FRAMEBUFFER, plain)
            gl.glBindFramebuffer(GL_READ_FRAMEBUFFER, many)
            gl.glBlitFramebuffer(0, 0, SIZE, SIZE, 0, 0, SIZE, SIZE, 0x4000, GL_NEAREST)
            gl.glBindFramebuffer(GL_FRAMEBUFFER, plain)
        if frame % 4 != 3:
            report(f"frame {frame}", read_pixels(gl))
        samples = ctypes.c_uint()
        gl.glGetQueryObjectuiv(query, GL_QUERY_RESULT, ctypes.byref(samples))
        print(f"frame {frame}: {samples.value} samples passed")
        gl.check(f"frame {frame}")


def feed_back(gl):
    gl.glUseProgram(program := gl.program((GL_VERTEX_SHADER, FEEDBACK_VERTEX), feedback=b"result"))
    gl.glBindBuffer(GL_FEEDBACK_BUFFER, buffer := gl.make("glGenBuffers"))
    gl.glBufferData(GL_FEEDBACK_BUFFER, 16 * 1000, None, GL_DYNAMIC_READ)
    gl.glBindBufferBase(GL_FEEDBACK_BUFFER, 0, buffer)
    gl.glEnable(GL_RASTERIZER_DISCARD)
    result = (ctypes.c_ubyte * (16 * 1000))()
    for base in (0, 5):
        gl.glUniform1i(gl.glGetUniformLocation(program, b"base"), base)
        gl.glBeginTransformFeedback(GL_POINTS)
        gl.glDrawArrays(GL_POINTS, 0, 1000)
        gl.glEndTransformFeedback()
        gl.glGetBufferSubData(GL_FEEDBACK_BUFFER, 0, len(result), result)
        report(f"transform feedback from {base}", bytes(result))
    gl.glDisable(GL_RASTERIZER_DISCARD)
    gl.check("transform feedback")


def compute(gl):
    """Rounds on the same data; in between the host resets the sum through a mapping that stays."""
    count = 64 * 1024
    gl.glUseProgram(gl.program((GL_COMPUTE_SHADER, COMPUTE)))
    gl.glBindBuffer(GL_SHADER_STORAGE_BUFFER, total := gl.make("glGenBuffers"))
    flags = GL_MAP_READ | GL_MAP_WRITE | GL_MAP_PERSISTENT | GL_MAP_COHERENT
    gl.glBufferStorage(GL_SHADER_STORAGE_BUFFER, 4, None, flags)
    mapped = ctypes.cast(gl.glMapBufferRange(GL_SHADER_STORAGE_BUFFER, 0, 4, flags), ctypes.POINTER(ctypes.c_uint))
    gl.glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, total)
    gl.glBindBuffer(GL_SHADER_STORAGE_BUFFER, data := gl.make("glGenBuffers"))
    gl.glBufferData(GL_SHADER_STORAGE_BUFFER, 4 * count, struct.pack(f"{count}I", *range(count)), GL_DYNAMIC_READ)
    gl.glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, data)
    result = (ctypes.c_ubyte * (4 * count))()
    for turn in range(4):
        mapped[0] = 0
        gl.glDispatchCompute(count // 64, 1, 1)
        gl.glMemoryBarrier(GL_ALL_BARRIER_BITS)
        sync = ctypes.c_void_p(gl.glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0))
        waited = gl.glClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS, ctypes.c_uint64(20_000_000_000))
        if waited not in (GL_ALREADY_SIGNALED, GL_CONDITION_SATISFIED):
            stop(1, f"a wait for the GPU gave {waited:#x}")
        gl.glDeleteSync(sync)
        print(f"compute {turn}: the sum is {mapped[0]}")
    gl.glGetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0, len(result), result)
    report("compute", bytes(result))
    gl.check("compute")


def main():
    egl, display, context = create_context()
    gl = GL(egl)
    renderer = ctypes.string_at(gl.glGetString(GL_RENDERER)).decode()
    print(f"renderer: {renderer}", file=sys.stderr)
    if not renderer.startswith(sys.argv[1]):
        stop(1, f"the renderer is {renderer}")
    draw_frames(gl)
    feed_back(gl)
    compute(gl)
    egl.eglMakeCurrent(display, None, None, None)
    egl.eglDestroyContext(display, context)
    egl.eglTerminate(display)


main()
