// Owning pointers for C++: what they hold is destroyed with them.
#ifndef AXRUNTIME_AXRUNTIME_HPP
#define AXRUNTIME_AXRUNTIME_HPP

#include <memory>

#include "axruntime/axruntime.h"

namespace axr {

struct destroyer {
    template <typename T>
    void operator()(T *object) const noexcept
    {
        axr_destroy(AXR_OBJECT(object));
    }
};

template <typename T>
using ptr = std::unique_ptr<T, destroyer>;

template <typename T>
ptr<T> to_ptr(T *object) noexcept
{
    return ptr<T>(object);
}

}  // namespace axr

#endif
