// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Random bytes, numbers and choices, the same again for the same seed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

#include "tests/bpf/packet.hpp"

namespace sidestep {

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool chance(unsigned percent) { return below(100) < percent; }
    std::uint8_t byte() { return static_cast<std::uint8_t>(engine_()); }
    std::uint16_t port() { return static_cast<std::uint16_t>(engine_()); }
    Bytes bytes(std::size_t count) {
        Bytes result(count);
        std::ranges::generate(result, [this] { return byte(); });
        return result;
    }
    template <typename Value, std::size_t Count>
    const Value& of(const std::array<Value, Count>& choices) {
        return choices.at(below(Count));
    }

  private:
    std::mt19937_64 engine_;
};

}  // namespace sidestep
