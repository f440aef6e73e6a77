// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// For the link_* programs of Library.cmake, which only have to link.
int main() {
    return 0;
}
