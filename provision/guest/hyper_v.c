/* The script that makes the machine under Hyper-V. Generation 1, IDE and the legacy network
 * adapter: a Xen host sees none of Hyper-V's own devices, since its kernel talks to Xen. Source:
 * the Hyper-V module's cmdlets (New-VM, Set-VMProcessor, Add-VMNetworkAdapter, Set-VMComPort). */
#include <string.h>

#include "guest/format.h"

#define MEMORY_UNIT_BYTES (UINT64_C(2) << 20)

/* A PowerShell string in single quotes, in which nothing is expanded. The typographic quotes U+2018
 * to U+201B end it too, and all of them are doubled. */
static char *quoted(const char *text)
{
	struct buf out = { 0 };

	buf_text(&out, "'");
	for (; *text; text++) {
		bool wide =
			strncmp(text, "\xe2\x80", 2) == 0 && text[2] >= '\x98' && text[2] <= '\x9b';

		if (*text == '\'')
			buf_text(&out, "'");
		if (wide) {
			buf_add(&out, text, 3);
			buf_add(&out, text, 3);
			text += 2;
			continue;
		}
		buf_add(&out, text, 1);
	}
	buf_text(&out, "'");
	return out.data;
}

/* Parameters first; their names are the only ones that a user types. */
static const char head[] =
	"#Requires -RunAsAdministrator\n"
	"#Requires -Modules Hyper-V\n"
	"# Makes a virtual machine of generation 1 and leaves it off. Made by nestctl.\n"
	"param(\n"
	"    [string] $SwitchName = 'Default Switch',\n"
	"    [string] $Folder = $PSScriptRoot\n"
	")\n"
	"$ErrorActionPreference = 'Stop'\n";

static const char body[] =
	"if (Get-VM | Where-Object { $_.Name -ceq $name }) {\n"
	"    throw \"there is a virtual machine $name already\"\n"
	"}\n"
	"$vm = New-VM -Name $name -Generation 1 -MemoryStartupBytes $memory -NoVHD -Path $Folder\n"
	"try {\n"
	"    Set-VMMemory -VM $vm -DynamicMemoryEnabled $false -StartupBytes $memory\n"
	"    Set-VMProcessor -VM $vm -Count $processors"
	" -ExposeVirtualizationExtensions $nested\n"
	"    Set-VM -VM $vm -CheckpointType Disabled\n"
	"    Add-VMHardDiskDrive -VM $vm -Path $disk -ControllerType IDE -ControllerNumber 0 "
	"-ControllerLocation 0\n"
	"    Get-VMNetworkAdapter -VM $vm | Remove-VMNetworkAdapter\n"
	"    Add-VMNetworkAdapter -VM $vm -IsLegacy $true -SwitchName $SwitchName "
	"-StaticMacAddress $mac\n"
	"    Get-VMNetworkAdapter -VM $vm | Set-VMNetworkAdapter -MacAddressSpoofing On\n"
	"    Set-VMBios -VM $vm -StartupOrder IDE, CD, LegacyNetworkAdapter, Floppy\n"
	"    Set-VMComPort -VM $vm -Number 1 -Path $console\n"
	"    Set-VMComPort -VM $vm -Number 2 -Path $agent\n"
	"} catch {\n"
	"    Remove-VM -VM $vm -Force\n"
	"    throw\n"
	"}\n"
	"Write-Output \"made: $name (Start-VM to start it; console: $console, agent: $agent)\"\n";

static void variable_add(struct buf *out, const char *name, const char *before, const char *text,
			 const char *behind)
{
	CLEANUP(free_cleanup) char *whole = str_format("%s%s%s", before, text, behind);
	CLEANUP(free_cleanup) char *value = quoted(whole);

	buf_format(out, "$%s = %s\n", name, value);
}

static void hyper_v_emit(const struct guest_request *request, struct buf *out)
{
	const struct layer *layer = request->layer;
	CLEANUP(buf_done) struct buf mac = { 0 };
	CLEANUP(free_cleanup) char *disk = quoted(request->disk_file);

	for (const char *c = layer->machine.mac; *c; c++)
		if (*c != ':')
			buf_add(&mac, c, 1);
	buf_text(out, head);
	variable_add(out, "name", "", layer->name, "");
	buf_format(out, "$disk = Join-Path $Folder %s\n", disk);
	variable_add(out, "mac", "", buf_str(&mac), "");
	variable_add(out, "console", "\\\\.\\pipe\\", layer->name, "-console");
	variable_add(out, "agent", "\\\\.\\pipe\\", layer->name, "-agent");
	buf_format(out, "$memory = %llu\n", (unsigned long long)layer->machine.memory_bytes);
	buf_format(out, "$processors = %u\n", layer->machine.vcpus);
	buf_format(out, "$nested = $%s\n", layer->machine.nested ? "true" : "false");
	buf_text(out, body);
}

const struct guest_format hyper_v_guest = {
	.name = "hyper-v",
	.title = "a machine of Hyper-V",
	.suffix = ".ps1",
	.memory_unit_bytes = MEMORY_UNIT_BYTES,
	/* The legacy adapter takes the place of either. */
	.nics = 1U << NIC_E1000 | 1U << NIC_RTL8139,
	.disk_prefix = "",
	.disk_suffix = ".vhdx",
	.emit = hyper_v_emit,
};
