// Four threads with an instance each, double-buffered, as a program for a card would do it.
// Arguments: model.json, inputs, outputs, frames per thread, "memory" or "dmabuf". The inputs of all threads lie one after the
// other in a file, so do the outputs.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "axruntime/axruntime.hpp"

namespace {

constexpr int kThreads = 4, kDelay = 2;
using Bytes = std::vector<char>;

struct Tensor {
    Tensor(const axrTensorInfo &info, bool dmabuf) : size(axr_tensor_size(&info)), bytes(size)
    {
        if (!dmabuf)
            return;
        fd = memfd_create(info.name, MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0)
            throw std::runtime_error("no shared memory");
    }
    Tensor(const Tensor &) = delete;
    ~Tensor()
    {
        if (fd >= 0)
            close(fd);
    }
    axrArgument argument() { return fd >= 0 ? axrArgument{nullptr, fd, 0, size} : axrArgument{bytes.data(), -1, 0, size}; }
    void fill(const char *from)
    {
        bytes.assign(from, from + size);
        if (fd >= 0 && pwrite(fd, bytes.data(), size, 0) != static_cast<ssize_t>(size))
            throw std::runtime_error("cannot write");
    }
    const Bytes &read()
    {
        if (fd >= 0 && pread(fd, bytes.data(), size, 0) != static_cast<ssize_t>(size))
            throw std::runtime_error("cannot read");
        return bytes;
    }

    size_t size;
    Bytes bytes;
    int fd = -1;
};

template <typename T>
axr::ptr<T> checked(axrContext *context, T *made)
{
    if (!made)
        throw std::runtime_error(axr_last_error_string(AXR_OBJECT(context)));
    return axr::to_ptr(made);
}

void work(axrContext *context, axrModel *model, bool dmabuf, const Bytes &inputs, Bytes &outputs, size_t first, size_t frames)
{
    const std::string text = std::string("double_buffer=1;num_sub_devices=1;aipu_cores=1") +
                             (dmabuf ? ";input_dmabuf=1;output_dmabuf=1" : "");
    auto properties = checked(context, axr_create_properties(context, text.c_str()));
    auto connection = checked(context, axr_device_connect(context, nullptr, 1, nullptr));
    auto instance = checked(context, axr_load_model_instance(connection.get(), model, properties.get()));
    Tensor in(axr_get_model_input(model, 0), dmabuf), out(axr_get_model_output(model, 0), dmabuf);
    for (size_t call = 0; call < frames + kDelay; call++) {
        in.fill(inputs.data() + (first + (call < frames ? call : 0)) * in.size);
        axrArgument input = in.argument(), output = out.argument();
        if (axr_run_model_instance(instance.get(), &input, 1, &output, 1) != AXR_SUCCESS)
            throw std::runtime_error(axr_last_error_string(AXR_OBJECT(context)));
        if (call >= kDelay) {
            const Bytes &result = out.read();
            std::copy(result.begin(), result.end(), outputs.begin() + static_cast<long>((first + call - kDelay) * out.size));
        }
    }
}

void run(const std::string &path, const Bytes &inputs, Bytes &outputs, size_t frames, bool dmabuf)
{
    auto context = axr::to_ptr(axr_create_context());
    axrDeviceInfo *devices = nullptr;
    if (!axr_list_devices(context.get(), &devices))
        throw std::runtime_error(axr_last_error_string(AXR_OBJECT(context.get())));
    auto model = checked(context.get(), axr_load_model(context.get(), path.c_str()));
    const axrTensorInfo result = axr_get_model_output(model.get(), 0);
    outputs.resize(kThreads * frames * axr_tensor_size(&result));
    std::vector<std::thread> threads;
    std::vector<std::string> problems(kThreads);
    for (int index = 0; index < kThreads; index++)
        threads.emplace_back([&, index] {
            try {
                work(context.get(), model.get(), dmabuf, inputs, outputs, static_cast<size_t>(index) * frames, frames);
            } catch (const std::exception &error) {
                problems[static_cast<size_t>(index)] = error.what();
            }
        });
    for (auto &thread : threads)
        thread.join();
    for (const auto &problem : problems)
        if (!problem.empty())
            throw std::runtime_error(problem);
}

}  // namespace

int main(int count, char **arguments)
{
    if (count != 6)
        return 2;
    std::ifstream source(arguments[2], std::ios::binary);
    const Bytes inputs{std::istreambuf_iterator<char>(source), std::istreambuf_iterator<char>()};
    Bytes outputs;
    try {
        run(arguments[1], inputs, outputs, std::stoul(arguments[4]), std::string(arguments[5]) == "dmabuf");
    } catch (const std::exception &error) {
        std::fprintf(stderr, "team: %s\n", error.what());
        return 1;
    }
    std::ofstream(arguments[3], std::ios::binary).write(outputs.data(), static_cast<std::streamsize>(outputs.size()));
    return 0;
}
