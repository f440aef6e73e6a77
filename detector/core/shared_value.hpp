// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A large value that copies have in common: a desired state is copied for each change of its sessions, while its hundred
// thousand prefixes stay what they are.
#pragma once

#include <memory>
#include <utility>

namespace sidestep {

/// Copies share one value, which does not change. Copying costs a pointer, and copies are equal at a glance.
template <typename T>
class SharedValue {
  public:
    SharedValue() : SharedValue(T{}) {}
    SharedValue(T value)
        : value_(std::make_shared<const T>(std::move(value))) {}  // NOLINT: a T is meant wherever one is given

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }
    [[nodiscard]] auto begin() const { return value_->begin(); }
    [[nodiscard]] auto end() const { return value_->end(); }

    /// True if they are one value, without a look at it.
    [[nodiscard]] bool shares(const SharedValue& other) const { return value_ == other.value_; }
    bool operator==(const SharedValue& other) const { return shares(other) || *value_ == *other.value_; }

  private:
    std::shared_ptr<const T> value_;
};

}  // namespace sidestep
