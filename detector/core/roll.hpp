// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mark and sweep over what the kernel reported: whatever a complete dump does not name is gone, though its deletion was
// never heard of.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sidestep {

/// All that is there, as far as was heard, by what identifies it.
template <typename Key, typename Value>
class Roll {
  public:
    /// From here on, everything known so far is in doubt.
    void doubt() { ++round_; }
    void present(const Key& key, Value value) { entries_[key] = {std::move(value), round_}; }
    void gone(const Key& key) { entries_.erase(key); }
    /// Forgets, and returns, what has not been present since doubt().
    std::vector<std::pair<Key, Value>> sweep() {
        std::vector<std::pair<Key, Value>> missing;
        std::erase_if(entries_, [&](auto& entry) {
            if (entry.second.second == round_) return false;
            missing.emplace_back(entry.first, std::move(entry.second.first));
            return true;
        });
        return missing;
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    std::uint32_t round_ = 0;
    std::map<Key, std::pair<Value, std::uint32_t>> entries_;  ///< and the round in which each was last present
};

}  // namespace sidestep
