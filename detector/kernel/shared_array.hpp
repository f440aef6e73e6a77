// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Maps a BPF array map as memory: kernel and user space see each store at once, without a system call.
#pragma once

#include <sys/mman.h>

#include <bpf/bpf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <unistd.h>

#include "common/error.hpp"

namespace sidestep {

/// Owns the mapping of an mmapable array map whose value type is T.
template <typename T>
class SharedArray {
  public:
    SharedArray() = default;
    SharedArray(SharedArray&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    SharedArray& operator=(SharedArray&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    SharedArray(const SharedArray&) = delete;
    SharedArray& operator=(const SharedArray&) = delete;
    ~SharedArray() {
        if (data_ != nullptr) munmap(data_, length(count_));
    }

    /// Maps `fd`. Fails if its value size is not the one that this program was built with.
    static Result<SharedArray> map(int fd, const std::string& name) {
        static_assert(sizeof(T) % 8 == 0, "array maps round values up to 8 bytes");
        bpf_map_info info{};
        std::uint32_t info_length = sizeof info;
        if (bpf_obj_get_info_by_fd(fd, &info, &info_length) != 0) return fail_errno("map " + name);
        if (info.value_size != sizeof(T))
            return fail("map " + name + " has a different layout than this program expects");
        void* memory = mmap(nullptr, length(info.max_entries), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) return fail_errno("mapping " + name);
        SharedArray result;
        result.data_ = static_cast<T*>(memory);
        result.count_ = info.max_entries;
        return result;
    }

    [[nodiscard]] std::size_t size() const { return count_; }
    T& operator[](std::size_t index) { return data_[index]; }
    const T& operator[](std::size_t index) const { return data_[index]; }
    [[nodiscard]] std::span<T> all() { return {data_, count_}; }
    [[nodiscard]] std::span<const T> all() const { return {data_, count_}; }

  private:
    static std::size_t length(std::size_t count) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        return (count * sizeof(T) + page - 1) / page * page;
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace sidestep
