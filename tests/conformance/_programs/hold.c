/* Takes cores, runs frames on one of them, says so, and keeps the cores until its standard input ends.
 * Arguments: model.json, number of cores, number of frames.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axruntime/axruntime.h"

static int failed(const axrContext *context)
{
    axrObject *object = AXR_OBJECT(context);
    printf("%s: %s\n", axr_error_string(axr_last_error(object)), axr_last_error_string(object));
    return 1;
}

int main(int count, char **arguments)
{
    char in[640], out[64];
    memset(in, 1, sizeof in);
    axrArgument input = {in, 0, 0, sizeof in}, output = {out, 0, 0, sizeof out};
    if (count != 4)
        return 2;
    axrContext *context = axr_create_context();
    axrModel *model = axr_load_model(context, arguments[1]);
    axrConnection *connection = axr_device_connect(context, NULL, strtoul(arguments[2], NULL, 10), NULL);
    if (!connection)
        return failed(context);
    axrModelInstance *instance = axr_load_model_instance(connection, model, NULL);
    if (!instance)
        return failed(context);
    for (long left = strtol(arguments[3], NULL, 10); left > 0; left--)
        if (axr_run_model_instance(instance, &input, 1, &output, 1) != AXR_SUCCESS)
            return failed(context);
    puts("held");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    axr_destroy(AXR_OBJECT(context));
    return 0;
}
