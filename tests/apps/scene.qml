// SPDX-License-Identifier: MIT
// Things in motion that stop after some frames. What is to be seen depends on the number of frames, not on time; the last
// picture is shown until the program ends, after so many frames as the last argument says.
import QtQuick
import QtQuick.Window

Window {
    id: window

    readonly property int last: 60
    readonly property int frames: Number(Qt.application.arguments[Qt.application.arguments.length - 1]) || 0
    property int frame: 0
    readonly property int step: Math.min(frame, last)

    width: 480
    height: 360
    visible: true
    color: "#203040"
    title: "scene"

    onFrameSwapped: {
        frame++;
        window.update();
        if (frames && frame >= frames)
            Qt.quit();
    }

    Repeater {
        model: 24
        Rectangle {
            required property int index
            x: 20 + (index % 6) * 74
            y: 20 + Math.floor(index / 6) * 60
            width: 60
            height: 48
            radius: 12
            rotation: window.step * (index + 1)
            opacity: 0.5 + index / 48
            gradient: Gradient {
                GradientStop { position: 0; color: Qt.hsla(index / 24, 1, 0.6, 1) }
                GradientStop { position: 1; color: Qt.hsla(window.step / window.last, 0.8, 0.3, 1) }
            }
        }
    }
    Text {
        x: 20 + window.step
        y: 280
        text: "Vulkan" // always the same: where glyphs lie in Qt's atlas depends on when they were needed
        color: "white"
        font.pixelSize: 40
    }
    Item {
        x: 300
        y: 270
        width: 150
        height: 70
        clip: true
        layer.enabled: true
        opacity: 0.7
        Rectangle { x: window.step; y: 10; width: 60; height: 60; radius: 30; color: "orange"; border { width: 4; color: "black" } }
        Rectangle { x: 90 - window.step; y: 20; width: 60; height: 30; color: "teal"; scale: 1 + window.step / 120 }
    }
}
